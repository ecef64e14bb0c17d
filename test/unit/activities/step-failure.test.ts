import { mkdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stepFailure } from '../../../src/activities/step-failure.js'
import { Engine } from '../../../src/engine/engine.js'
import { ConflictError, messageOf, UnavailableError } from '../../../src/runtime/errors.js'

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** An error of Node's for a code that a test cannot make the system give. */
function refusal(code: string): Error {
  return Object.assign(new Error(`${code}: refused, mkdir '/scratch/spill-x'`), {
    code,
    syscall: 'mkdir',
    path: '/scratch/spill-x',
  })
}

describe('a step that fails', () => {
  it('is not tried again where scratch may not be written to, and says where', () => {
    for (const code of ['EROFS', 'EACCES', 'EPERM']) {
      expect(stepFailure(refusal(code), 'stageFacts')).toMatchObject({
        code: 'ETL3-DK-03',
        final: true,
        message: expect.stringContaining('/scratch/spill-x'),
        hint: expect.stringMatching(/\S/),
      })
    }
    const proc = thrownBy(() => mkdirSync('/proc/etl3-scratch'))
    expect(stepFailure(proc, 'stageFacts')).toMatchObject({ code: expect.stringMatching(/^ETL3-DK-/) })
  })

  it('is tried again, a few times, where a file is gone or the disk is full', () => {
    const gone = thrownBy(() => readFileSync('/nowhere/facts.parquet'))
    expect(stepFailure(gone, 'stageFacts')).toMatchObject({ code: 'ETL3-DK-20', kind: 'InputError', final: false })
    expect(stepFailure(refusal('ENOSPC'), 'stageFacts')).toMatchObject({ code: 'ETL3-DK-01', final: false })
  })

  it('is not tried again where the engine ran out of its share of the memory, and is named', async () => {
    const engine = await Engine.open({ memoryLimitMb: 20, threads: 1, scratch: '/tmp' })
    const query = engine.rows("SELECT list(a.range || repeat('x', 1000)) FROM range(1000000) a")
    const error = await query.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    engine.close()
    const failure = stepFailure(error, 'stageDimensions')
    expect(failure).toMatchObject({ code: 'ETL3-ME-02', kind: 'ResourceError', final: true })
    expect(messageOf(failure)).toMatch(/^stageDimensions: the engine ran out/)
  })

  it('of memory that the system refuses names its limits, and not our own', () => {
    const refused = new RangeError(
      'WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance',
    )
    expect(stepFailure(refused, 'auditObjects')).toMatchObject({
      code: 'ETL3-ME-06',
      exitCode: 7,
      hint: expect.stringContaining('ulimit -v'),
    })
  })

  it('keeps every other error', () => {
    const errors = [
      new ConflictError('ETL3-LK-02', 'lost'),
      new UnavailableError('ETL3-S3-01', 'away'),
      new Error('x'),
      4,
    ]
    for (const error of errors) expect(stepFailure(error, 'writePartitions')).toBe(error)
  })
})
