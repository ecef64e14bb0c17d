/** What is wrong with a configuration, all of it at once. */
import { ConfigError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import type { Place } from './origins.js'

/** One thing that is wrong. */
export interface ConfigProblem {
  /** `config/etl3.yaml:12:3`, the name of a variable, or a flag. */
  readonly where: string
  /** Dotted key; '' for the file as a whole. */
  readonly key: string
  /** Its place in the file, where it has one; problems are told in the order of their places. */
  readonly place?: Place
  /** What is wrong, in words: what was found and what is expected. */
  readonly text: string
  /** The known name that was probably meant. */
  readonly suggestion?: string
}

/** A configuration that cannot be used (ETL3-CF-01), with everything that is wrong with it. */
export class InvalidConfig extends ConfigError {
  /** In the order of the file, then those of variables and flags; each once. */
  readonly problems: readonly ConfigProblem[]

  constructor(found: readonly ConfigProblem[]) {
    const distinct = new Map(found.map((problem) => [problemText(problem), problem]))
    const problems = [...distinct.values()].sort(byPlace)
    const lines = problems.map(problemText)
    super(
      'ETL3-CF-01',
      lines.length === 1 ? lines.join('') : [`${lines.length} problems in the configuration`, ...lines].join('\n  '),
      { hint: "'etl3 config schema' describes each key." },
    )
    this.problems = problems
  }
}

/** One problem as one line. */
export function problemText({ where, text, suggestion }: ConfigProblem): string {
  return plainText(`${where}: ${text}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`)
}

function byPlace({ place: a }: ConfigProblem, { place: b }: ConfigProblem): number {
  if (a && b) return a.line - b.line || a.column - b.column
  return Number(a === undefined) - Number(b === undefined)
}
