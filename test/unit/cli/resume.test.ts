import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { configSchema } from '../../../src/config/schema.js'
import type { UnfinishedRun } from '../../../src/history/unfinished-run.js'
import { UnavailableError } from '../../../src/runtime/errors.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { CURRENT, FakeRun, FakeServer, fakeServices, PUBLISHED, WRITING } from './fake-runs.js'

const UNFINISHED: UnfinishedRun = {
  runId: 'b2',
  startedAt: '2026-02-03T04:05:06.000Z',
  config: configSchema.parse({ input: { duplicates: 'first' } }),
  unitsWritten: 7,
}

async function call(argv: readonly string[], services: ReturnType<typeof fakeServices>, io = new FakeIo()) {
  workIn(testFolder())
  const code = await main([...argv, '-c', configFile('')], io, services)
  return { code, out: io.stdout.text, err: io.stderr.text }
}

describe('resume', () => {
  it('attaches to the run that is going on, whatever it was asked for, and lets a paused one go on', async () => {
    const server = new FakeServer()
    const run = new FakeRun('etl3:0', undefined)
    server.going = run
    run.progressNow = { ...WRITING, paused: true }
    run.finish(PUBLISHED)
    const { code, out, err } = await call(['resume'], fakeServices(server))
    expect(code).toBe(0)
    expect(out).toContain('published: 1,444,461 rows')
    expect(err).toContain('it was paused; it goes on now')
    expect(run.unpaused).toBe(1)
    expect(server.started).toEqual([])
  })

  it('starts the unfinished run again and says what is done, and what was configured otherwise', async () => {
    const server = new FakeServer()
    server.onStart = (run) => run.finish(PUBLISHED)
    const { code, err } = await call(['resume'], fakeServices(server, { unfinished: UNFINISHED }))
    expect(code).toBe(0)
    expect(server.started.map(({ input }) => input.mode)).toEqual(['run'])
    expect(err).toContain('taking up run b2 of 2026-02-03T04:05:06.000Z: 7 units of partitions are written')
    expect(err).toContain('it may begin anew: input.duplicates is "first" there, "error" here')
  })

  it('starts nothing where nothing is unfinished', async () => {
    const server = new FakeServer()
    const { code, out } = await call(['resume'], fakeServices(server, { current: CURRENT }))
    expect({ code, out }).toEqual({ code: 0, out: "nothing is left unfinished; 'etl3 run' starts a run\n" })
    expect(server.started).toEqual([])
    expect(server.closed).toEqual([true])
  })
})

describe('status', () => {
  it('--watch follows the run to its end', async () => {
    const server = new FakeServer()
    const run = new FakeRun('etl3:0', undefined)
    server.going = run
    run.progressNow = WRITING
    setTimeout(() => run.finish(PUBLISHED), 50)
    const { code, out, err } = await call(['status', '--watch'], fakeServices(server))
    expect(code).toBe(0)
    expect(out).toContain('published: 1,444,461 rows')
    expect(err).toContain('validate: done in 1.1 s')
  })

  it('--watch leaves the run alone at the first Ctrl-C', async () => {
    const server = new FakeServer()
    const run = new FakeRun('etl3:0', undefined)
    server.going = run
    const io = new FakeIo()
    const ended = call(['status', '--watch'], fakeServices(server), io)
    while (io.listeners('SIGINT') === 0) await pause(5)
    io.send('SIGINT')
    expect((await ended).code).toBe(130)
    expect(run.cancellations).toBe(0)
    expect(server.closed).toEqual([false])
  })

  it('shows what is published when the configured server is down', async () => {
    const serverError = new UnavailableError('ETL3-TP-01', 'no Temporal server answers [address=x:1]')
    const { code, out, err } = await call(['status'], fakeServices(undefined, { serverError, current: CURRENT }))
    expect(code).toBe(0)
    expect(out).toContain('last published: 1,444,461 rows')
    expect(err).toContain('warning: no Temporal server answers [address=x:1] [ETL3-TP-01]')
    const json = await call(['status', '-o', 'json'], fakeServices(undefined, { serverError, current: CURRENT }))
    expect(JSON.parse(json.out)).toMatchObject({ state: 'published', temporalProblem: serverError.message })
  })
})
