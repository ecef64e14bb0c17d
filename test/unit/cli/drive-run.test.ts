import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import type { CliServices } from '../../../src/cli/services.js'
import { EXIT_CODES } from '../../../src/runtime/errors.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { FakeRun, FakeServer, fakeServices, PUBLISHED, WRITING } from './fake-runs.js'

/** What Temporal's client throws for a workflow that failed: our error three causes down, as plain fields. */
function workflowFailure(type: string, message: string, details: unknown[]): Error {
  const application = Object.assign(new Error(message), { name: 'ApplicationFailure', type, details })
  const activity = Object.assign(new Error('Activity task failed', { cause: application }), { name: 'ActivityFailure' })
  return Object.assign(new Error('Workflow execution failed', { cause: activity }), { name: 'WorkflowFailedError' })
}

function workflowEnded(name: string): Error {
  const cause = Object.assign(new Error(name), { name })
  return Object.assign(new Error('Workflow execution cancelled', { cause }), { name: 'WorkflowFailedError' })
}

/** A command in a project; `folder`: another one in the same project. */
function arrange(options: { readonly terminal?: boolean; readonly config?: string; readonly folder?: string } = {}) {
  const folder = options.folder ?? testFolder()
  workIn(folder)
  const file = configFile(options.config ?? 'output: { uri: out, metadata_uri: meta }\n')
  const io = new FakeIo({}, options)
  const server = new FakeServer()
  const run = (...argv: string[]): Promise<number> => main([...argv, '-c', file], io, fakeServices(server))
  return { folder, file, io, server, run }
}

describe('run', () => {
  it('starts the workflow with file, environment, mode and overrides, and prints the result', async () => {
    const { file, io, server, run } = arrange({ config: 'environments: { e: { output: { uri: out } } }\n' })
    server.onStart = (started) => started.finish(PUBLISHED)
    expect(await run('run', '-e', 'e', '--chunk-size', '500', '--audit', 'full')).toBe(0)

    const [start] = server.started
    expect(start).toMatchObject({
      input: {
        config: file,
        environment: 'e',
        outputUri: resolve('out'),
        mode: 'run',
        overrides: { 'processing.chunk_size': 500, 'processing.audit': 'full' },
      },
    })
    expect(start?.workflowId).toMatch(/^etl3:[a-z0-9-]+-out:[0-9a-f]{16}$/)
    expect(io.stdout.text).toContain('published: 1,444,461 rows in 29,425 partitions')
    expect(io.stdout.text).toContain('29,425 (20 added, 3 replaced, 29,402 kept, 1 removed)')
    expect(io.stdout.text).toContain('412 MB at the peak, limit 1,024 MB')
    expect(io.stdout.text).toContain('1 min 14 s (validate 1.1, write 60.5)')
    expect(io.stdout.text).toContain('/lake/partitioned-data')
    expect(io.stdout.text).toContain(`npx etl3 query --config ${file} --environment e `)
    expect(io.stdout.text).toContain(`'npx etl3 dev --config ${file} --environment e'`)
    expect(io.stdout.text).toContain('/lake/etl3/runs/a1b2c3/report.md')
    expect(server.closed).toEqual([true])
  })

  it.each([
    [['run'], 'run'],
    [['run', '--dry-run'], 'plan'],
    [['run', '--validate-only'], 'validate'],
    [['plan'], 'plan'],
    [['validate'], 'validate'],
  ])('%j has mode %s', async (argv, mode) => {
    const { server, run } = arrange()
    server.onStart = (started) => started.finish(PUBLISHED)
    expect(await run(...argv)).toBe(0)
    expect(server.started.map(({ input }) => input.mode)).toEqual([mode])
  })

  it('answers --explain with null where nothing is to be explained', async () => {
    const { io, server, run } = arrange()
    server.onStart = (started) => started.finish({ ...PUBLISHED, status: 'unchanged' })
    expect(await run('plan', '--explain', '-o', 'json')).toBe(0)
    expect(JSON.parse(io.stdout.text)).toMatchObject({ status: 'unchanged', explanation: null })
  })

  it('prints one JSON object on stdout and everything else on stderr', async () => {
    const { io, server, run } = arrange()
    server.onStart = (started) => {
      started.progressNow = WRITING
      started.finish(PUBLISHED)
    }
    expect(await run('run', '-o', 'json')).toBe(0)
    expect(JSON.parse(io.stdout.text)).toEqual({ ...PUBLISHED, temporalUiUrl: server.uiUrl })
    expect(io.stderr.text).toContain('validate: done in 1.1 s: 12 tables')
  })

  it('says nothing but the result under --quiet', async () => {
    const { io, server, run } = arrange()
    server.onStart = (started) => {
      started.progressNow = WRITING
      started.finish(PUBLISHED)
    }
    expect(await run('run', '--quiet')).toBe(0)
    expect(io.stderr.text).toBe('')
    expect(io.stdout.text).toContain('published')
  })

  it.each(Object.entries(EXIT_CODES))('ends a run that failed with %s with exit code %i', async (kind, exitCode) => {
    const { folder, io, server, run } = arrange()
    const error = workflowFailure(kind, 'dim_npi has 3 keys with differing rows', [
      { code: 'ETL3-IN-04', hint: 'Keep one row per npi.' },
    ])
    server.onStart = (started) => started.fail(error)
    expect(await run('run', '-o', 'json')).toBe(exitCode)
    expect(io.stderr.text).toContain('error: dim_npi has 3 keys with differing rows [ETL3-IN-04]\n')
    expect(io.stderr.text).toContain('hint: Keep one row per npi.\n')
    expect(JSON.parse(io.stdout.text)).toMatchObject({
      formatVersion: 1,
      status: 'failed',
      workflowId: server.started[0]?.workflowId,
      temporalUiUrl: server.uiUrl,
      error: {
        kind,
        code: 'ETL3-IN-04',
        message: 'dim_npi has 3 keys with differing rows',
        hint: 'Keep one row per npi.',
      },
    })
    expect(io.stderr.text.match(/dim_npi has 3 keys/g)).toHaveLength(1)
    expect(io.stderr.text).not.toContain('    at ')
    expect(readFileSync(join(folder, 'logs/etl3.log'), 'utf8')).toContain('Workflow execution failed')
    expect(server.closed).toEqual([true])
  })

  it('ends with exit code 1, one line and the log for an error that nobody foresaw', async () => {
    const { folder, io, server, run } = arrange()
    server.onStart = (started) => started.fail(new TypeError('x is not a function\nsecond line'))
    expect(await run('run')).toBe(1)
    expect(io.stderr.lines.slice(-2)).toEqual([
      'error: unexpected: x is not a function [ETL3-XX-00]',
      'hint: logs/etl3.log says where it happened; --verbose shows it here.',
    ])
    expect(io.stdout.text).toBe('')
    expect(readFileSync(join(folder, 'logs/etl3.log'), 'utf8')).toContain('drive-run.test')

    const again = arrange()
    again.server.onStart = (started) => started.fail(new TypeError('x is not a function'))
    expect(await again.run('run', '--verbose')).toBe(1)
    expect(again.io.stderr.text).toContain('    at ')
  })

  it('ends with the exit code of the trouble when server or worker cannot be kept alive', async () => {
    const { io, server, run } = arrange()
    server.onStart = () =>
      server.break(workflowFailure('ResourceError', 'the worker ran out of memory', [{ code: 'ETL3-ME-04' }]))
    expect(await run('run')).toBe(7)
    expect(io.stderr.text).toContain('the worker ran out of memory [ETL3-ME-04]')
  })
})

describe('a run that is already going', () => {
  async function withOngoing(
    argv: string[],
    there: { mode?: 'run' | 'plan'; settings?: Record<string, string> } | null,
  ) {
    const first = arrange()
    first.server.onStart = (started) => started.finish(PUBLISHED)
    await first.run('run')
    const request = first.server.started[0]?.request
    if (!request) throw new Error('the first run was not started')

    const { io, server, run } = arrange({ folder: first.folder })
    server.going = new FakeRun(
      'etl3:0',
      there ? { mode: there.mode ?? request.mode, settings: { ...request.settings, ...there.settings } } : undefined,
    )
    server.going.finish(PUBLISHED)
    return { code: await run(...argv), io, server }
  }

  it('is followed when it does the same work', async () => {
    const { code, io, server } = await withOngoing(['run'], {})
    expect(code).toBe(0)
    expect(io.stderr.text).toContain('attached to the run that is already going')
    expect(io.stdout.text).toContain('published')
    expect(server.started).toEqual([])
  })

  it('names its worker where that is not one of this session, and says when it has none', async () => {
    for (const [workers, words] of [
      [['7@box'], 'its worker: process 7 on box'],
      [[], 'no worker takes the work of this run: it waits on the task queue theirs'],
    ] as const) {
      const first = arrange()
      first.server.onStart = (started) => started.finish(PUBLISHED)
      await first.run('run')
      const { io, server, run } = arrange({ folder: first.folder })
      server.going = new FakeRun('etl3:0', first.server.started[0]?.request, 'theirs')
      server.going.workersNow = workers
      server.going.finish(PUBLISHED)
      expect(await run('run')).toBe(0)
      expect(io.stderr.text).toContain(words)
    }
  })

  it('is followed when it only goes about it in another way, which is said', async () => {
    const { code, io } = await withOngoing(['run'], { settings: { 'processing.chunk_size': '7' } })
    expect(code).toBe(0)
    expect(io.stderr.text).toContain('processing.chunk_size is 7 there, 1000 here')
  })

  it.each([
    ['another mode', { mode: 'plan' as const }, "it is a 'plan' there, a 'run' here"],
    ['another input', { settings: { 'input.root': '"elsewhere"' } }, 'input.root is "elsewhere" there, "/'],
    ['what cannot be told', null, 'what it was asked for cannot be told from here'],
  ])('is a conflict (exit code 6) when it does %s', async (_, there, words) => {
    const { code, io, server } = await withOngoing(['run'], there)
    expect(code).toBe(6)
    expect(io.stderr.text).toContain('[ETL3-CL-03]')
    expect(io.stderr.text).toContain(words)
    expect(io.stdout.text).toBe('')
    expect(server.going?.cancellations).toBe(0)
  })
})

describe('signals', () => {
  it('Ctrl-C before the run is started closes what was opened, and starts nothing', async () => {
    const { file, io, server } = arrange()
    const services: CliServices = {
      ...fakeServices(server),
      async openRuns() {
        io.send('SIGINT')
        await pause(20)
        return server
      },
    }
    expect(await main(['run', '-c', file], io, services)).toBe(130)
    expect(server.started).toEqual([])
    expect(server.closed).toEqual([true])
  })

  async function started(server: FakeServer): Promise<FakeRun> {
    while (!server.going) await pause(5)
    return server.going
  }

  async function listening(io: FakeIo): Promise<void> {
    while (io.listeners('SIGINT') === 0) await pause(5)
  }

  it('Ctrl-C cancels the run, says so, waits for it and ends with 130', async () => {
    const { io, server, run } = arrange()
    const ending = run('run')
    const going = await started(server)
    await listening(io)
    going.onCancel = () => going.fail(workflowEnded('CancelledFailure'))
    io.send('SIGINT')
    expect(await ending).toBe(130)
    expect(going.cancellations).toBe(1)
    expect(io.stderr.text).toContain('cancelling: ')
    expect(io.stderr.text).toContain('stopped: the run was cancelled; start it again to go on where it stopped')
    expect(server.closed).toEqual([true])
    expect(io.listeners('SIGINT') + io.listeners('SIGTERM')).toBe(0)
  })

  it('a second Ctrl-C does not wait, and leaves server and worker to the cancellation', async () => {
    const { io, server, run } = arrange()
    const ending = run('run', '-o', 'json')
    const going = await started(server)
    await listening(io)
    io.send('SIGINT')
    io.send('SIGINT')
    expect(await ending).toBe(130)
    expect(going.cancellations).toBe(1)
    expect(server.closed).toEqual([false])
    expect(JSON.parse(io.stdout.text)).toMatchObject({ status: 'failed', error: { kind: 'Interrupted' } })
  })

  it('SIGTERM ends the command with 143 and leaves the run going', async () => {
    const { io, server, run } = arrange()
    const ending = run('run')
    const going = await started(server)
    await listening(io)
    io.send('SIGTERM')
    expect(await ending).toBe(143)
    expect(going.cancellations).toBe(0)
    expect(server.closed).toEqual([false])
    expect(io.stderr.text).toContain("left the run going; 'etl3 status' shows it")
  })

  it('a run that somebody else cancelled or terminated ends the command with 130 or 143', async () => {
    for (const [name, code] of [
      ['CancelledFailure', 130],
      ['TerminatedFailure', 143],
    ] as const) {
      const { server, run } = arrange()
      server.onStart = (going) => going.fail(workflowEnded(name))
      expect(await run('run')).toBe(code)
      expect(server.closed).toEqual([true])
    }
  })
})
