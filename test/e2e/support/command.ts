/** The built command line as a process: what it prints, how it ends, and signals for it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { RunResult } from '../../../src/contract/messages.js'
import { until } from './until.js'

/** The built program. */
export const ETL3 = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

/** What `-o json` prints when a command fails. */
export interface Failure {
  readonly kind: string
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** A command that runs or has ended. */
export class Command {
  readonly child: ChildProcess
  readonly exited: Promise<number>
  stdout = ''
  stderr = ''

  constructor(args: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    this.child = spawn(process.execPath, [ETL3, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 128)))
    })
  }

  /** Waits until it has said something on stderr. @throws Error when it ends without */
  async says(words: string): Promise<void> {
    let gone = false
    void this.exited.then(() => {
      gone = true
    })
    await until(`'${words}' from etl3`, () => gone || this.stderr.includes(words))
    if (!this.stderr.includes(words)) throw new Error(`the command ended without '${words}': ${this.stderr}`)
  }

  /** Waits for its end with success. @throws Error with what it printed otherwise */
  async result(): Promise<RunResult> {
    const code = await this.exited
    if (code !== 0) throw new Error(`etl3 ended with ${code}: ${this.#said()}`)
    const result: RunResult = JSON.parse(this.stdout)
    return result
  }

  /** All that it printed, on one line and why it failed first: who shows a part of it shows the beginning. */
  #said(): string {
    const lines = `${this.stderr}${this.stdout}`.split('\n').map((line) => line.trim())
    const isReason = (line: string): boolean => /^error:|^"(?:code|message)":/.test(line)
    return [...lines.filter(isReason), ...lines.filter((line) => !isReason(line))].join(' ')
  }

  /** Waits for its end. @throws Error when it ended with another exit code */
  async failure(exitCode: number): Promise<Failure> {
    const code = await this.exited
    if (code !== exitCode) throw new Error(`etl3 ended with ${code}, not ${exitCode}: ${this.#said()}`)
    const report: { error: Failure } = JSON.parse(this.stdout)
    return report.error
  }
}
