/** `etl3 doctor`: looks at everything that a run needs, and says how to fix what is wrong. */
import type { Command } from 'commander'
import { plainText } from '../runtime/plain-text.js'
import { checkup, exitCodeOfFindings, type Finding, type Verdict } from './doctor/checkup.js'
import type { Palette } from './output/palette.js'
import { wrapLine } from './output/wrapped-line.js'
import type { CliCall, CliShell } from './shell.js'

/** Behind the mark of a check. */
const INDENT_COLUMNS = 6

const DESCRIPTION = `Looks at Node, DuckDB, the configuration, Temporal, the input tables, the output folder, disk and memory.
On AWS it looks at identity, clock, buckets, Glue and Athena too; it writes a small object beside the records and the
results and deletes it, and asks Athena for SELECT 1. Otherwise it changes nothing, unless --fix is given: that registers ETL3's search attributes on the
server. Exit code 0 when a run can start, 2 when something must be fixed, 5 when Temporal or AWS does not answer, 7 when
the disk is too small.`

/** Adds `etl3 doctor`. */
export function registerDoctor(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'doctor',
    summary: 'check everything that a run needs',
    description: DESCRIPTION,
    examples: [
      { call: 'etl3 doctor', purpose: 'is everything there that a run needs?' },
      { call: 'etl3 doctor --fix', purpose: 'and register what the server lacks' },
      { call: 'etl3 doctor -o json', purpose: 'the same for a script' },
    ],
  })
  shell
    .configOptions(command, ['--memory-limit', '--max-workers'])
    .option('--fix', "register ETL3's search attributes on the Temporal server")
  shell.action(command, examine)
}

async function examine(call: CliCall): Promise<number> {
  const findings: Finding[] = []
  for await (const finding of checkup({
    env: call.io.env,
    loadConfig: () => call.loadConfig(),
    fix: call.options['fix'] === true,
  }))
    findings.push(finding)
  const exitCode = exitCodeOfFindings(findings)
  call.result({ formatVersion: 1, exitCode, checks: findings }, () =>
    findings.flatMap((finding) => linesOf(finding, call)).join('\n'),
  )
  return exitCode
}

function linesOf({ check, verdict, detail, hint }: Finding, { palette, columns }: CliCall): string[] {
  const [first = '', ...more] = detail.split('\n').map(plainText)
  const indent = ' '.repeat(INDENT_COLUMNS)
  const told = [`${markOf(verdict, palette)}  ${check}: ${first}`, ...more.map((line) => `${indent}${line}`)]
  return [
    ...told.map((line) => wrapLine(line, columns, INDENT_COLUMNS)),
    // A hint may hold a command, which is copied in one piece.
    ...(hint === undefined || hint === '' ? [] : [`${indent}${palette.dim(plainText(hint))}`]),
  ]
}

function markOf(verdict: Verdict, palette: Palette): string {
  switch (verdict) {
    case 'ok':
      return palette.green('ok  ')
    case 'warn':
      return palette.yellow('warn')
    case 'fail':
      return palette.red('fail')
  }
}
