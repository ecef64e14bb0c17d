import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { built } from '../../../src/runtime/package-root.js'

/** What the built module says in a process that a shell has given these limits. */
function under(limits: string): { address: number | null; memory: boolean } {
  const script = `import('${built('runtime/process-limits.js')}').then((l) =>
    console.log(JSON.stringify({ address: l.addressSpaceLimitMb() ?? null, memory: l.hasMemoryLimit() })))`
  const answer = execFileSync('/bin/sh', ['-c', `${limits} exec "$0" -e "$1"`, process.execPath, script], {
    encoding: 'utf8',
  })
  return JSON.parse(answer)
}

describe('the limits of a process', () => {
  it('are those that ulimit has set', () => {
    expect(under('ulimit -v 8388608;')).toEqual({ address: 8192, memory: true })
    expect(under('ulimit -d 4194304;')).toMatchObject({ memory: true })
  })
})
