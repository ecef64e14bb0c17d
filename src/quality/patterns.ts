/** Whether the engine can read the regular expressions of the configuration. */
import type { Engine } from '../engine/engine.js'
import { sqlString } from '../engine/sql.js'
import { firstLineOf } from '../runtime/errors.js'
import type { ActiveRule } from './active-rule.js'
import { unusableRule } from './rule-columns.js'

/** @throws ConfigError ETL3-CF-13 for an expression that is none of RE2 */
export async function requirePatterns(engine: Engine, rules: readonly ActiveRule<'pattern'>[]): Promise<void> {
  for (const { name, options } of rules) {
    try {
      await engine.run(`SELECT regexp_full_match('', ${sqlString(options.pattern)})`)
    } catch (cause) {
      throw unusableRule(
        name,
        `the pattern cannot be used: ${firstLineOf(cause)}`,
        'Patterns are those of RE2: no look-around, no back references.',
        cause,
      )
    }
  }
}
