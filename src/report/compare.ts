/** Differences of two runs: partitions, rows, rates, rules, times. */
import type { Breakdown, RateMoves, ReportedRule, RunReport } from './run-report.js'

/** A figure of both runs. */
export interface ComparedFigure {
  readonly name: string
  readonly before: number
  readonly after: number
  readonly unit: 'count' | 'bytes' | 'megabytes' | 'seconds'
}

/** What a rule gave in each run; null where the run did not have it. */
export interface ComparedRule {
  readonly rule: string
  readonly before: Pick<ReportedRule, 'outcome' | 'failed' | 'checked' | 'share'> | null
  readonly after: Pick<ReportedRule, 'outcome' | 'failed' | 'checked' | 'share'> | null
}

/** Rows of a value in each run. */
export interface ComparedValue {
  readonly value: string | null
  readonly before: number
  readonly after: number
}

/** What `etl3 report --compare A B -o json` prints. */
export interface Comparison {
  readonly formatVersion: 1
  readonly before: { readonly runId: string; readonly finishedAt: string; readonly status: string }
  readonly after: { readonly runId: string; readonly finishedAt: string; readonly status: string }
  /** Whether both have the same input, configuration and versions. */
  readonly sameWork: boolean
  readonly figures: readonly ComparedFigure[]
  readonly rules: readonly ComparedRule[]
  /** Only values whose rows differ. */
  readonly byPayer: readonly ComparedValue[]
  readonly byState: readonly ComparedValue[]
  readonly byCategory: readonly ComparedValue[]
  readonly phases: readonly ComparedFigure[]
  /** Null where one of the runs kept no rates. */
  readonly rates: RateMoves | null
}

/**
 * Compares two reports; `a` counts as the one before.
 * @param rates what moved from `a` to `b`, where both kept their rates
 */
export function compareReports(a: RunReport, b: RunReport, rates: RateMoves | undefined): Comparison {
  const both = (name: string, unit: ComparedFigure['unit'], of: (report: RunReport) => number): ComparedFigure => ({
    name,
    unit,
    before: of(a),
    after: of(b),
  })
  const headOf = ({ result, finishedAt }: RunReport): Comparison['before'] => ({
    runId: result.runId,
    finishedAt,
    status: result.status,
  })
  const phases = [...new Set([...a.course.phases, ...b.course.phases].map((p) => p.phase))]
  return {
    formatVersion: 1,
    before: headOf(a),
    after: headOf(b),
    sameWork: a.work === b.work,
    figures: [
      both('partitions', 'count', (r) => r.result.partitions.total),
      both('rows', 'count', (r) => r.result.rows),
      both('facts read', 'count', (r) => r.result.facts),
      both('facts set aside', 'count', (r) => r.result.quarantined),
      both('size', 'bytes', (r) => r.result.bytes),
      both('warnings', 'count', (r) => r.result.warnings),
      both('peak memory', 'megabytes', (r) => r.result.peakMemoryMb),
      both('time', 'seconds', (r) => r.result.seconds['total'] ?? 0),
    ],
    rules: compareRules(a.rules, b.rules),
    byPayer: compareRows(a.contents.byPayer, b.contents.byPayer),
    byState: compareRows(a.contents.byState, b.contents.byState),
    byCategory: compareRows(a.contents.byCategory, b.contents.byCategory),
    phases: phases.map((phase) =>
      both(phase, 'seconds', (r) => r.course.phases.find((p) => p.phase === phase)?.seconds ?? 0),
    ),
    rates: rates ?? null,
  }
}

function compareRules(a: readonly ReportedRule[], b: readonly ReportedRule[]): ComparedRule[] {
  const nameOf = ({ name, subject }: ReportedRule): string => (subject === null ? name : `${name} (${subject})`)
  const names = [...new Set([...a, ...b].map(nameOf))]
  const pick = (rules: readonly ReportedRule[], name: string): ComparedRule['before'] => {
    const rule = rules.find((r) => nameOf(r) === name)
    return rule === undefined
      ? null
      : { outcome: rule.outcome, failed: rule.failed, checked: rule.checked, share: rule.share }
  }
  return names.map((rule) => ({ rule, before: pick(a, rule), after: pick(b, rule) }))
}

function compareRows(a: Breakdown, b: Breakdown): ComparedValue[] {
  const rowsOf = ({ entries }: Breakdown): Map<string | null, number> => new Map(entries.map((e) => [e.value, e.rows]))
  const before = rowsOf(a)
  const after = rowsOf(b)
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((value) => ({ value, before: before.get(value) ?? 0, after: after.get(value) ?? 0 }))
    .filter((v) => v.before !== v.after)
    .toSorted((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before))
}
