import { ActivityFailure, TimeoutFailure } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { exitCodeOf, Interrupted } from '../../../src/cli/exit-codes.js'
import { etl3ErrorIn, isCancellation, isTermination, unforeseenIn } from '../../../src/cli/failure.js'
import { EXIT_CODES, InputError } from '../../../src/runtime/errors.js'

function failure(fields: Record<string, unknown>, cause?: unknown): Error {
  return Object.assign(new Error(String(fields['message'] ?? 'x'), { cause }), fields)
}

describe('an error that comes from a workflow', () => {
  it('is the error that an activity threw, with kind, code, message and hint', () => {
    const inner = failure({
      name: 'ApplicationFailure',
      type: 'InputError',
      message: 'no table',
      details: [{ code: 'ETL3-IN-01', hint: 'add it' }],
    })
    const outer = failure({ name: 'WorkflowFailedError' }, failure({ name: 'ActivityFailure' }, inner))
    const error = etl3ErrorIn(outer)
    expect(error).toMatchObject({ kind: 'InputError', code: 'ETL3-IN-01', message: 'no table', hint: 'add it' })
    expect(error?.cause).toBe(outer)
    expect(exitCodeOf(error)).toBe(2)
  })

  it('passes over failures of other types around it', () => {
    const inner = failure({ type: 'QualityError', details: [{ code: 'ETL3-QU-01' }] })
    expect(etl3ErrorIn(failure({ type: 'SomethingElse', details: [] }, inner))?.kind).toBe('QualityError')
  })

  it('names the step that gave no sign of life until its last attempt', () => {
    const silent = new TimeoutFailure('activity Heartbeat timeout', undefined, 'HEARTBEAT')
    const step = new ActivityFailure('Activity failed', 'writePartitions', '7', 'MAXIMUM_ATTEMPTS_REACHED', '', silent)
    const error = etl3ErrorIn(failure({ name: 'WorkflowFailedError' }, step))
    expect(error).toMatchObject({ code: 'ETL3-RT-04', message: expect.stringContaining('writePartitions') })
    expect(exitCodeOf(error)).toBe(5)
  })

  it('is nothing of ours when no cause is', () => {
    for (const other of [
      new Error('x'),
      failure({ type: 'toString' }),
      failure({ type: 7 }),
      'text',
      undefined,
      null,
    ]) {
      expect(etl3ErrorIn(other)).toBeUndefined()
    }
  })

  it('bears details that are missing or malformed', () => {
    for (const details of [undefined, null, [], [null], ['x'], [{ code: 3, hint: {} }]]) {
      const error = etl3ErrorIn(failure({ type: 'InputError', details }))
      expect(error).toMatchObject({ kind: 'InputError', hint: undefined })
    }
  })

  it('does not loop on an error that is its own cause', () => {
    const loop = failure({})
    loop.cause = loop
    expect(etl3ErrorIn(loop)).toBeUndefined()
    expect(isCancellation(loop)).toBe(false)
    expect(isTermination(loop)).toBe(false)
  })
})

describe('an error that nobody foresaw', () => {
  it('is told as it was thrown, and in which step', () => {
    const thrown = failure(
      { name: 'ApplicationFailure', type: 'TypeError', message: 'x is not a function' },
      new Error('y'),
    )
    const step = new ActivityFailure('Activity task failed', 'auditObjects', '7', 'NON_RETRYABLE_FAILURE', '', thrown)
    const failed = failure({ name: 'WorkflowFailedError', message: 'Workflow execution failed' }, step)
    expect(unforeseenIn(failed)).toBe('auditObjects: x is not a function')
  })

  it('is itself where it met no workflow, or says nothing of a cause', () => {
    expect(unforeseenIn(failure({ message: 'x' }, new Error('y')))).toBe('x')
    const bare = failure({ name: 'WorkflowFailedError', message: 'Workflow execution failed' })
    expect(unforeseenIn(bare)).toBe('Workflow execution failed')
    bare.cause = bare
    expect(unforeseenIn(bare)).toBe('Workflow execution failed')
  })
})

describe('exit codes', () => {
  it('are those of the design', () => {
    expect(EXIT_CODES).toEqual({
      UsageError: 2,
      ConfigError: 2,
      InputError: 2,
      QualityError: 3,
      QualityWarning: 4,
      UnavailableError: 5,
      ConflictError: 6,
      ResourceError: 7,
      IntegrityError: 1,
    })
    expect(exitCodeOf(new InputError('c', 'm'))).toBe(2)
    expect(exitCodeOf(new TypeError('m'))).toBe(1)
    expect(exitCodeOf('text')).toBe(1)
    expect(exitCodeOf(new Interrupted('SIGINT', 'm'))).toBe(130)
    expect(exitCodeOf(new Interrupted('SIGTERM', 'm'))).toBe(143)
  })
})
