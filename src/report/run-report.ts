/** `report.json`: everything that a report says of a run. */
import type { RuleResult } from '../quality/quality-record.js'
import type { RunResult } from '../workflows/messages.js'

/** One input table of a run. */
export interface ReportedInput {
  readonly name: string
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[] | number
  readonly rows?: number
  readonly missingOptional?: readonly string[]
  readonly extra?: readonly string[]
  readonly equalDuplicates?: number
  readonly differingKeys?: number
  readonly nullKeys?: number
}

/** A run, as its report tells it. */
export interface RunReport {
  readonly formatVersion: 1
  readonly result: RunResult
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly replaces: string | null
  readonly engine: string
  readonly memoryByPhase: Readonly<Record<string, number>>
  readonly inputs: readonly ReportedInput[]
  readonly inputWarnings: readonly string[]
  /** Counted results of the traps that real files hold. */
  readonly dimensions: Readonly<Record<string, number>>
  readonly rules: readonly RuleResult[]
  readonly audit: object | undefined
}
