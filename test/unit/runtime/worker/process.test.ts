import { describe, expect, it } from 'vitest'
import { explainExit } from '../../../../src/runtime/worker/process.js'

describe('the reason why a worker ended', () => {
  it.each([
    ['a kill', null, 'SIGKILL', '', /killed.*want of memory/, false],
    [
      'a full heap',
      null,
      'SIGABRT',
      'FATAL ERROR: Reached heap limit: JavaScript heap out of memory',
      /heap ran out.*512 MB/,
      false,
    ],
    ['exit code 7', 7, null, '', /reached its memory limit of 512 MB/, false],
    [
      'a wrong setting',
      2,
      null,
      'a line\na memory limit of 1 MB cannot work',
      /exit code 2: a memory limit of 1 MB/,
      true,
    ],
    ['a crash', 1, null, 'boom\u001b[31m', /exit code 1: boom\\u001b\[31m$/, false],
    ['another signal', null, 'SIGSEGV', '', /SIGSEGV/, false],
  ] as const)('names %s', (_, code, signal, words, reason, final) => {
    const exit = explainExit(code, signal, 512, words)
    expect(exit.reason).toMatch(reason)
    expect(exit.final).toBe(final)
  })
})
