/** Collects what was found beside what is due, and says it line by line. */

/** One figure. */
export interface Check {
  readonly group: string
  readonly what: string
  readonly found: string
  readonly due: string
  readonly passed: boolean
}

/** All checks so far. */
export class Scoreboard {
  readonly #checks: Check[] = []
  readonly #say: (line: string) => void
  #group = ''

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** Begins a group of checks. */
  begin(group: string): void {
    this.#group = group
    this.#say(`\n${group}`)
  }

  /** Something worth knowing that nothing is due for. */
  note(text: string): void {
    this.#say(`        ${text}`)
  }

  /** A figure that must be exactly this. */
  equal(what: string, found: number | string | undefined, due: number | string): void {
    this.#add({ what, found: shown(found), due: shown(due), passed: found === due })
  }

  /** A figure that must not be larger. */
  atMost(what: string, found: number | undefined, due: number, unit: string): void {
    const passed = found !== undefined && Number.isFinite(found) && found <= due
    this.#add({ what, found: `${shown(found)}${unit}`, due: `at most ${shown(due)}${unit}`, passed })
  }

  /** Something that must be so; `found` says what is instead. */
  holds(what: string, passed: boolean, found: string): void {
    this.#add({ what, found: passed ? 'yes' : found, due: 'yes', passed })
  }

  /** A table of everything that failed, and the counts. */
  close(): { readonly passed: number; readonly failed: number } {
    const failed = this.#checks.filter((check) => !check.passed)
    if (failed.length > 0) {
      this.#say('\nFailed:')
      for (const check of failed) this.#say(`  ${check.group}: ${lineOf(check)}`)
    }
    this.#say('')
    return { passed: this.#checks.length - failed.length, failed: failed.length }
  }

  #add(check: Omit<Check, 'group'>): void {
    this.#checks.push({ ...check, group: this.#group })
    this.#say(`  ${check.passed ? 'ok    ' : 'FAILED'}${lineOf(check)}`)
  }
}

function lineOf({ what, found, due }: Omit<Check, 'group'>): string {
  return `${what.padEnd(44)} ${found.padStart(18)}   due ${due}`
}

function shown(value: number | string | undefined): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 2 }) : value
}
