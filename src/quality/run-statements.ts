/** Has the statements of rules run, in a process that the kernel holds to its memory and that is ended after its time. */
import type { ChildProcess } from 'node:child_process'
import { QualityError, ResourceError } from '../runtime/errors.js'
import { startLimited } from '../runtime/limited-process.js'
import { built } from '../runtime/package-root.js'
import { plainText } from '../runtime/plain-text.js'
import { withScratchFolder } from '../runtime/scratch-folder.js'
import { type ActiveRule, resultOf } from './active-rule.js'
import type { RuleResult } from './quality-record.js'
import { unusableRule } from './rule-columns.js'
import { SANDBOX_TABLES } from './sandbox.js'
import { type Answer, answerSchema, type Opening, type SandboxPaths, type Statement } from './statement-messages.js'

// Measured on Linux x86_64 with Node 20, DuckDB open and nothing asked: 94 MB resident, a third of that code which a worker
// has resident too, and 88 MB of private memory, stacks included.
const PROGRAM_MB = 96
const PROGRAM_DATA_MB = 112
const HEAP_MB = 64

/** What DuckDB may take of what is left; the rest is for what an expression takes beside it. */
const ENGINE_SHARE = 0.75

/** Loading the engine and opening the files takes a fifth of a second. */
const OPENING_TIMEOUT_MS = 60_000

const MOST_ERROR_CHARACTERS = 2_000

/** What the process may use. */
export interface StatementOptions {
  /** Memory of the process, in MB: 160 at least. */
  readonly memoryMb: number
  /** Folder for spill files. */
  readonly scratch: string
  /** Ends it. */
  readonly signal: AbortSignal
  /** Told after each statement: the most that the process has had resident. */
  readonly onPeak?: (peakBytes: number) => void
}

/** What a statement returned. */
export interface StatementFindings {
  /** Rows that it returned; for a rule that sets aside: facts. */
  readonly failed: number
  readonly examples: readonly string[]
  /** The facts that a rule sets aside, ascending. */
  readonly factRows: Iterable<number>
}

/**
 * Runs the statement of each rule, one after the other.
 *
 * @throws ConfigError ETL3-CF-13 when a statement is wrong, or does more than read the staged tables
 * @throws QualityError ETL3-QA-04 when a statement takes longer than its `timeout_ms`, ETL3-QA-05 when it needs more memory
 * than there is for statements
 * @throws ResourceError ETL3-DK-02 when there is no free disk to spill to
 */
export async function runStatements(
  rules: readonly ActiveRule<'sql'>[],
  paths: SandboxPaths,
  options: StatementOptions,
): Promise<ReadonlyMap<ActiveRule, StatementFindings>> {
  const findings = new Map<ActiveRule, StatementFindings>()
  if (rules.length === 0) return findings
  await withScratchFolder(options.scratch, 'sandbox', async (spill) => {
    const process = new StatementProcess(options)
    try {
      await process.open(paths, spill)
      for (const rule of rules) findings.set(rule, await findingsOf(rule, process, options))
    } finally {
      await process.end()
    }
  })
  return findings
}

/** Result of a rule whose facts stay. */
export function statementResult(
  rule: ActiveRule<'sql'>,
  facts: number,
  { failed, examples }: StatementFindings,
): RuleResult {
  return resultOf(rule, { meaning: rule.options.meaning, unit: 'facts', checked: facts, failed, examples })
}

async function findingsOf(
  rule: ActiveRule<'sql'>,
  process: StatementProcess,
  { memoryMb, scratch, onPeak }: StatementOptions,
): Promise<StatementFindings> {
  const { sql, on_violation, timeout_ms: timeoutMs } = rule.options
  const answer = await process.ask({ sql, listsFacts: on_violation === 'quarantine' }, timeoutMs)
  switch (answer.kind) {
    case 'found':
      onPeak?.(answer.peakBytes)
      return { failed: answer.failed, examples: answer.examples, factRows: marked(answer.marks) }
    case 'refused':
      throw unusableRule(
        rule.name,
        `the statement is refused: ${answer.why}`,
        `Write one SELECT over ${SANDBOX_TABLES.join(', ')} or fact_rates; see docs/quality.md.`,
      )
    case 'late':
      throw new QualityError('ETL3-QA-04', `rule ${rule.name}: its statement took longer than ${timeoutMs} ms`, {
        hint: `Make the statement simpler, or raise data_quality.rules.${rule.name}.timeout_ms.`,
      })
    case 'memory':
      throw new QualityError(
        'ETL3-QA-05',
        `rule ${rule.name}: its statement needs more than the ${memoryMb} MB that there are for statements: ${answer.message}`,
        { hint: 'Make the statement take fewer rows or shorter values at once, or raise --memory-limit.' },
      )
    case 'disk':
      throw new ResourceError('ETL3-DK-02', `no free disk for spill files in ${scratch}: ${answer.message}`, {
        hint: 'Free some space, or set processing.scratch to a folder on a larger disk.',
      })
    default:
      throw new Error(`rule ${rule.name}: ${answer.kind === 'failed' ? answer.message : 'no answer to its statement'}`)
  }
}

function* marked(marks: Uint8Array): Generator<number> {
  for (const [byte, bits] of marks.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((bits & (1 << bit)) !== 0) yield 8 * byte + bit
  }
}

/** An answer of the process, or that it was ended because none came in time. */
type Outcome = Answer | { readonly kind: 'late' }

class StatementProcess {
  readonly #child: ChildProcess
  readonly #memoryMb: number
  readonly #signal: AbortSignal
  /** How it ended. */
  readonly #ended: Promise<Answer>

  constructor({ memoryMb, signal }: StatementOptions) {
    const dataMb = memoryMb - PROGRAM_MB + PROGRAM_DATA_MB
    this.#memoryMb = memoryMb
    this.#signal = signal
    this.#child = startLimited(
      built('quality/statement-process.js'),
      { heapMb: HEAP_MB, dataMb },
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced', signal, killSignal: 'SIGKILL' },
    )
    this.#ended = endOf(this.#child)
    // A process that ends before anything is asked of it is told about when it is.
    this.#ended.catch(() => {})
  }

  /** @throws Error when the staged files cannot be opened */
  async open(paths: SandboxPaths, spill: string): Promise<void> {
    const engineMb = Math.floor((this.#memoryMb - PROGRAM_MB) * ENGINE_SHARE)
    const answer = await this.ask({ paths, engineMb, residentMb: this.#memoryMb, spill }, OPENING_TIMEOUT_MS)
    if (answer.kind !== 'opened') throw new Error(`the process for statements did not open: ${JSON.stringify(answer)}`)
  }

  /** Asks, and waits for the answer; after its time the process is ended. */
  async ask(question: Opening | Statement, timeoutMs: number): Promise<Outcome> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#child.kill('SIGKILL')
    }, timeoutMs)
    try {
      const outcome = await Promise.race([this.#answer(question), this.#ended])
      this.#signal.throwIfAborted()
      return late ? { kind: 'late' } : outcome
    } finally {
      clearTimeout(timer)
    }
  }

  /** Returns when it is gone: its files may be removed then. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended.catch(() => {})
  }

  async #answer(question: Opening | Statement): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#child.once('message', (answer) => {
        const parsed = answerSchema.safeParse(answer)
        if (parsed.success) resolve(parsed.data)
        else reject(parsed.error)
      })
      // One that is gone cannot be asked; why is told by `#ended`.
      this.#child.send(question, () => {})
    })
  }
}

/** How a process ended: the kernel ends it, and Node itself, for want of memory only. */
async function endOf(child: ChildProcess): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    let errors = ''
    child.stderr?.on('data', (piece: Buffer) => {
      errors = (errors + piece.toString('utf8')).slice(-MOST_ERROR_CHARACTERS)
    })
    // One that was started and is ended by the signal is told about when it is gone.
    child.once('error', (error) => child.pid === undefined && reject(error))
    child.once('close', (code, killedBy) => {
      if (killedBy) resolve({ kind: 'memory', message: `its process was ended by ${killedBy}` })
      else reject(new Error(`the process for statements ended with exit code ${code}: ${plainText(errors.trim())}`))
    })
  })
}
