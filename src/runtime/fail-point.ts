/**
 * Named places at which a test can have the process killed: `ETL3_FAILPOINT=write:before-record`, `write:partition@25`
 * for the 25th time, several with commas. The variables are unset in use, and then a place costs one comparison.
 *
 * A worker that is started again inherits the variables: with `ETL3_FAILPOINT_ONCE=<folder>` each place strikes once
 * whatever the number of processes. `ETL3_FAILPOINT_TRACE=<file>` gets the name of every place that is passed.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const WANTED = new Map(
  (process.env['ETL3_FAILPOINT'] ?? '')
    .split(',')
    .filter((place) => place !== '')
    .map((place) => {
      const [name = '', times = '1'] = place.split('@')
      return [name, Number(times)]
    }),
)
const TRACE = process.env['ETL3_FAILPOINT_TRACE']
const passed = new Map<string, number>()

/** Kills this process with SIGKILL, or stops it with SIGSTOP (`ETL3_FAILPOINT_SIGNAL`), if this is the place. */
export function failPoint(name: string): void {
  if (TRACE !== undefined) appendFileSync(TRACE, `${name}\n`)
  const times = WANTED.get(name)
  if (times === undefined) return
  const count = (passed.get(name) ?? 0) + 1
  passed.set(name, count)
  if (count !== times || !isFirst(name)) return
  process.kill(process.pid, process.env['ETL3_FAILPOINT_SIGNAL'] === 'SIGSTOP' ? 'SIGSTOP' : 'SIGKILL')
}

function isFirst(name: string): boolean {
  const folder = process.env['ETL3_FAILPOINT_ONCE']
  if (folder === undefined) return true
  try {
    writeFileSync(join(folder, encodeURIComponent(name)), String(process.pid), { flag: 'wx' })
    return true
  } catch {
    return false
  }
}
