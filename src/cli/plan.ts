/** `etl3 plan`: which partitions and how many rows a run would write, why, and whether the layout is a good one. */
import { type Command, InvalidArgumentError } from 'commander'
import type { RunResult } from '../contract/messages.js'
import type { PlanQuestion } from '../history/plan-answers.js'
import { untilSignal } from './interruptible.js'
import type { Addition } from './runs/drive-run.js'
import type { CliServices } from './services.js'
import type { CliCall, CliShell } from './shell.js'

const DEFAULT_TOP = 5

const DESCRIPTION = `Validates, stages and plans: the exact partitions and rows, and what would be added, replaced, kept and removed.
The table is not touched.

--explain says why: how many partitions have new, changed or no content, and of some of them which facts, providers and
columns changed. It takes a partition by its key or by some of its values; without one it takes the largest changed ones.

--advise compares the configured layout with its prefixes and with subsets of the columns that queries use most: files,
rows and bytes per file, objects that a query opens, requests and their cost. It takes a query as columns joined by +,
several of them separated by commas, and "all" for one that reads the whole table.`

/** Adds `etl3 plan`. */
export function registerPlan(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'plan',
    summary: 'say exactly which partitions and rows a run would write; the table is not touched',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 plan', purpose: 'what would a run do?' },
      { call: 'etl3 plan --explain', purpose: 'why are partitions rewritten? The five largest, row by row' },
      { call: 'etl3 plan --explain payer_slug=aetna/state=MN --top 20', purpose: 'why these ones?' },
      { call: 'etl3 plan --advise', purpose: 'would other partition columns be better?' },
      { call: 'etl3 plan --advise --queries state,state+procedure_class,all', purpose: 'better for these queries?' },
    ],
  })
  shell
    .gateOptions(command)
    .option('--explain [partition]', 'why partitions are written, kept or removed')
    .option('--top <n>', `how many partitions are explained in detail (default: ${DEFAULT_TOP})`, topOf)
    .option('--advise', 'compare the partition layout with others')
    .option('--queries <columns>', 'the queries that --advise looks at, by the columns that they name a value of')
  shell.action(command, async (call) => {
    const { driveToEnd } = await import('./runs/drive-run.js')
    const { explain, advise } = call.options
    if (explain === undefined && advise !== true) return await driveToEnd(call, shell.services, 'plan')
    return await driveToEnd(call, shell.services, 'plan', {
      add: (result, { config }) => addition(call, shell.services, config, result),
    })
  })
}

async function addition(
  call: CliCall,
  services: CliServices,
  config: Parameters<CliServices['explainPlan']>[0]['config'],
  result: RunResult,
): Promise<Addition> {
  const [{ explanationText }, { adviceText }] = await Promise.all([
    import('./output/explanation-text.js'),
    import('./output/advice-text.js'),
  ])
  const ask = <T>(act: (question: PlanQuestion) => Promise<T>): Promise<T> =>
    untilSignal(
      call,
      (signal) => act({ config, runId: result.runId, signal }),
      () => 'the plan is made, and was not explained',
    )
  const { explain, advise, queries, top } = call.options
  const fields: Record<string, unknown> = {}
  const texts: string[] = []
  if (explain !== undefined && result.status === 'unchanged') {
    fields['explanation'] = null
    texts.push('Every partition is kept: input, configuration and table are those of the published run.')
  } else if (explain !== undefined) {
    const named = typeof explain === 'string' ? explain : undefined
    const explanation = await ask((question) =>
      services.explainPlan(question, { named, top: typeof top === 'number' ? top : DEFAULT_TOP }),
    )
    fields['explanation'] = explanation
    texts.push(explanationText(explanation, call.palette))
  }
  if (advise === true) {
    const asked = typeof queries === 'string' ? queriesOf(queries) : undefined
    const advice = await ask((question) => services.advisePlan(question, asked))
    fields['advice'] = advice
    texts.push(adviceText(advice, call.palette))
  }
  return { fields, text: texts.join('\n\n') }
}

/** `state,state+year,all` */
function queriesOf(text: string): string[][] {
  return text
    .split(',')
    .map((query) => query.trim())
    .filter((query) => query !== '')
    .map((query) => (query === 'all' ? [] : query.split('+').map((column) => column.trim())))
}

function topOf(text: string): number {
  const top = Number(text)
  if (/^\d+$/.test(text) && top >= 1 && top <= 1000) return top
  throw new InvalidArgumentError('expected a whole number from 1 to 1000.')
}
