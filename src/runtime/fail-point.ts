/**
 * Named places at which a test can have the process killed: `ETL3_FAILPOINT=write:before-record` or
 * `…=write:partition@25` for the 25th time. The variable is unset in use, and then this costs one comparison.
 */

const [WANTED, TIMES = '1'] = (process.env['ETL3_FAILPOINT'] ?? '').split('@')
let passed = 0

/** Kills this process with SIGKILL, or stops it with SIGSTOP (`ETL3_FAILPOINT_SIGNAL`), if this is the place. */
export function failPoint(name: string): void {
  if (name !== WANTED) return
  passed += 1
  if (passed === Number(TIMES))
    process.kill(process.pid, process.env['ETL3_FAILPOINT_SIGNAL'] === 'SIGSTOP' ? 'SIGSTOP' : 'SIGKILL')
}
