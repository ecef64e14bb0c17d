import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { ResourceError } from '../../../src/runtime/errors.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { FakeServer, fakeServices, PUBLISHED, WRITING } from './fake-runs.js'

function arrange() {
  const folder = testFolder()
  workIn(folder)
  const file = configFile(
    'output: { uri: out, metadata_uri: meta }\nprocessing: { memory_limit_mb: 512, scratch: tmp }\n',
  )
  const io = new FakeIo()
  const server = new FakeServer()
  const run = (...argv: string[]): Promise<number> =>
    main(['memory-test', ...argv, '-c', file], io, fakeServices(server))
  const figures = (): Record<string, unknown> => JSON.parse(io.stdout.text)
  return { folder, io, server, run, figures }
}

const cancelled = (): Error =>
  Object.assign(new Error('cancelled', { cause: Object.assign(new Error('c'), { name: 'CancelledFailure' }) }), {
    name: 'WorkflowFailedError',
  })

describe('memory-test', () => {
  it('stops the sample after its first units and says what the full run needs', async () => {
    const { server, run, figures } = arrange()
    server.onStart = (started) => {
      started.progressNow = WRITING
      started.onCancel = () => started.fail(cancelled())
    }
    expect(await run('-o', 'json')).toBe(0)
    expect(server.going?.cancellations).toBe(1)
    expect(figures()).toMatchObject({
      formatVersion: 1,
      fits: true,
      peakMemoryMb: 256,
      memoryLimitMb: 512,
      units: { done: 3, total: 12 },
      rows: { done: 250_000, total: 1_000_000 },
    })
    expect(server.closed).toEqual([true])
  })

  it('keeps away from the table and its records, and leaves no sample behind', async () => {
    const { folder, server, run } = arrange()
    let sampleFolder = ''
    server.onStart = (started) => {
      const { overrides } = server.started[0]?.input ?? {}
      sampleFolder = String(overrides?.['output.uri'])
      expect(String(overrides?.['output.metadata_uri'])).toContain('memory-test-')
      started.finish(PUBLISHED)
    }
    expect(await run('--memory-limit', '1024')).toBe(0)
    expect(sampleFolder.startsWith(join(folder, 'tmp', 'memory-test-'))).toBe(true)
    expect(server.started[0]?.input.overrides).toMatchObject({ 'processing.memory_limit_mb': 1024 })
    expect(readdirSync(join(folder, 'tmp'))).toEqual([])
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it('is exit code 7 and names a limit to try when the sample runs out of memory', async () => {
    const { server, run, figures } = arrange()
    server.onStart = (started) => {
      started.progressNow = { ...WRITING, units: { done: 0, total: 12 }, peakMemoryMb: 511 }
      setTimeout(() => started.fail(new ResourceError('ETL3-ME-01', 'the worker reached its memory limit')), 700)
    }
    expect(await run('-o', 'json')).toBe(7)
    expect(figures()).toMatchObject({ fits: false, advice: 'try --memory-limit 768', peakMemoryMb: 511 })
  })

  it('is exit code 7 when the peak was above the limit, even if the sample came to its end', async () => {
    const { server, run, figures } = arrange()
    server.onStart = (started) => started.finish({ ...PUBLISHED, peakMemoryMb: 513 })
    expect(await run('-o', 'json')).toBe(7)
    expect(figures()).toMatchObject({ fits: false })
  })

  it('passes on a failure that has nothing to do with memory, a full disk among them', async () => {
    const { io, server, run } = arrange()
    server.onStart = (started) => started.fail(new ResourceError('ETL3-DK-01', 'no free disk'))
    expect(await run()).toBe(7)
    expect(io.stdout.text).toBe('')
    expect(io.stderr.text).toContain('ETL3-DK-01')
  })

  it('cancels the sample and ends with 130 on Ctrl-C', async () => {
    const { io, server, run } = arrange()
    server.onStart = (started) => {
      started.onCancel = () => started.fail(cancelled())
      setTimeout(() => io.send('SIGINT'), 100)
    }
    expect(await run()).toBe(130)
    expect(server.going?.cancellations).toBe(1)
    expect(server.closed).toEqual([true])
  })
})
