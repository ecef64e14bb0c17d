import { describe, expect, it } from 'vitest'
import { type EndedProcess, explainExit, workerFailure } from '../../../../src/runtime/worker/worker-exit.js'

function ended(process: Partial<EndedProcess>): EndedProcess {
  return { code: null, signal: null, limitMb: 512, lastWords: '', memoryIsLimited: false, ...process }
}

const HEAP = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'
const PROMOTION =
  'FATAL ERROR: MarkCompactCollector: young object promotion failed Allocation failed - JavaScript heap out of memory'
/** As Node ends where nobody catches an error. */
const UNCAUGHT_FILES = `node:internal/fs/promises:637
  return new FileHandle(await PromisePrototypeThen(

Error: EMFILE: too many open files, open '/x/compat.js'
    at async open (node:internal/fs/promises:637:25) {
  code: 'EMFILE',
}

Node.js v20.20.2
`
const UNCAUGHT_WASM = `RangeError: WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance
    at instantiateWasm (uncompress.js:73:10)

Node.js v20.20.2
`

describe('the reason why a worker ended', () => {
  it.each([
    ['a kill', { signal: 'SIGKILL' }, /killed.*want of memory/, 'ETL3-ME-04'],
    ['a full heap', { signal: 'SIGABRT', lastWords: HEAP }, /heap ran out.*512 MB/, 'ETL3-ME-04'],
    ['a full heap, whatever ulimit says', { lastWords: HEAP, memoryIsLimited: true }, /512 MB/, 'ETL3-ME-04'],
    ['a heap that may not grow', { lastWords: PROMOTION }, /heap ran out/, 'ETL3-ME-04'],
    ['a heap that ulimit holds', { lastWords: PROMOTION, memoryIsLimited: true }, /system gave it no/, 'ETL3-ME-06'],
    ['memory that the system refuses', { code: 1, lastWords: UNCAUGHT_WASM }, /system gave it no memory/, 'ETL3-ME-06'],
    ['exit code 7', { code: 7 }, /reached its memory limit of 512 MB/, 'ETL3-ME-04'],
    ['too few files', { code: 1, lastWords: UNCAUGHT_FILES }, /too many files are open/, 'ETL3-DK-21'],
    [
      'a wrong setting',
      { code: 2, lastWords: 'a line\n1 MB cannot work' },
      /exit code 2: 1 MB cannot work$/,
      'ETL3-RT-03',
    ],
    ['a crash', { code: 1, lastWords: 'boom\u001b[31m' }, /exit code 1: boom\\u001b\[31m$/, 'ETL3-RT-03'],
    [
      'an error that nobody caught',
      { code: 1, lastWords: 'x.js:1\n  throw it\n\nTypeError: it is not it\n    at x.js:1\n\nNode.js v20.20.2\n' },
      /exit code 1: TypeError: it is not it$/,
      'ETL3-RT-03',
    ],
    ['another signal', { signal: 'SIGSEGV' }, /SIGSEGV/, 'ETL3-RT-03'],
  ] as const)('names %s', (_, process, reason, code) => {
    const exit = explainExit(ended(process))
    expect(exit.reason).toMatch(reason)
    const failure = workerFailure(exit, '/state/worker-0.log')
    expect(failure).toMatchObject({ code, message: expect.stringContaining('[output=/state/worker-0.log]') })
    expect(failure.hint).toMatch(code === 'ETL3-ME-06' ? /ulimit -v/ : /^(?!.*ulimit -v)/)
  })

  it.each([
    ['wrong settings', { code: 2 }],
    ['too few files', { code: 1, lastWords: UNCAUGHT_FILES }],
    ['memory that ulimit holds', { code: 1, lastWords: UNCAUGHT_WASM, memoryIsLimited: true }],
  ] as const)('%s would end the next one in the same way', (_, process) => {
    expect(explainExit(ended(process)).final).toBe(true)
  })

  it('is one that the next worker need not meet where it was killed, or had a full heap', () => {
    expect(explainExit(ended({ signal: 'SIGKILL' })).final).toBe(false)
    expect(explainExit(ended({ signal: 'SIGABRT', lastWords: HEAP })).final).toBe(false)
  })
})
