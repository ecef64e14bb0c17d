import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endProcess } from '../../src/runtime/process-identity.js'
import { freePort } from '../../src/runtime/temporal/dev-server.js'
import { Home } from './support/home.js'
import { demoStar } from './support/stars.js'
import { until } from './support/until.js'

describe('a run that lost everything', () => {
  it('is taken up by resume, tells its hook and its metrics how it goes', async () => {
    const star = await demoStar(400)
    const port = await freePort()
    const told = (name: string): Record<string, unknown>[] =>
      existsSync(join(home.root, name))
        ? readFileSync(join(home.root, name), 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : []
    const options = (hook: string): ConstructorParameters<typeof Home>[0] => ({
      ...star.options,
      processing: { unit_seconds: 0.01 },
      notify: { command: ['/bin/sh', '-c', `cat >> ${hook}`] },
      metrics: { prometheus_address: `127.0.0.1:${port}` },
    })
    await using home = new Home(options('told'))
    expect(await home.start({ ETL3_FAILPOINT: '' }, ['resume']).exited).toBe(0)
    expect(home.runIds).toEqual([])

    const place = 'write:after-record'
    const run = home.start({ ETL3_FAILPOINT: `${place}@3`, ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped(place)
    const metrics = await (
      await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    )?.text()
    // A process that is stopped does not answer; the one that takes over does.
    expect(metrics).toBeUndefined()
    run.child.kill('SIGKILL')
    await run.exited
    const { server } = home
    await endProcess(worker, 0)
    if (server) await endProcess(server, 0)
    expect(home.tree.size).toBe(0)
    expect(told('told')).toEqual([])

    const resumed = home.start({ ETL3_FAILPOINT: '' }, ['resume'])
    let scraped = ''
    await until('metrics of written rows', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(1_000) })
      scraped = await answer.text()
      return /^etl3_rows_written_total\{.*\} [1-9]/m.test(scraped)
    })
    const result = await resumed.result()
    expect(result.status).toBe('published')
    expect(home.tree.size).toBe(result.partitions.total)
    expect(scraped).toMatch(/^etl3_memory_limit 512$/m)
    expect(Number(/^etl3_memory_resident (\d+)$/m.exec(scraped)?.[1])).toBeGreaterThan(50)
    expect(scraped).toContain('temporal_worker_task_slots_available')
    expect(told('told')).toMatchObject([{ status: 'published', runId: result.runId, rows: result.rows }])

    const again = home.start({ ETL3_FAILPOINT: '' }, ['resume'])
    expect(await again.exited).toBe(0)
    expect(JSON.parse(again.stdout)).toEqual({ formatVersion: 1, status: 'nothing-to-resume' })

    // A run that fails tells too, and nothing of it fails because the hook does.
    home.configure({ ...options('failed'), star: star.root, data_quality: { rules: { rate_range: { max_share: 0 } } } })
    expect(await home.start({ ETL3_FAILPOINT: '' }).failure(3)).toMatchObject({ code: 'ETL3-QA-01' })
    expect(told('failed')).toMatchObject([
      {
        status: 'failed',
        outputUri: result.outputUri,
        error: { code: 'ETL3-QA-01', message: expect.stringContaining('rate_range') },
      },
    ])

    // Also one that cannot even be opened: most nightly runs that fail do so because their input did not come.
    home.configure({ ...options('unopened'), star: join(home.root, 'nothing-here'), input: {} })
    expect(await home.start({ ETL3_FAILPOINT: '' }).failure(2)).toMatchObject({ code: 'ETL3-IN-01' })
    expect(told('unopened')).toMatchObject([
      { status: 'failed', error: { message: expect.stringContaining('fact_rate') }, workflowId: expect.any(String) },
    ])
  })
})
