import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, describe, expect, it } from 'vitest'
import { parseRunReport } from '../../src/report/run-report.js'
import { signalProcess } from '../../src/runtime/process-identity.js'
import { Home } from './support/home.js'
import { demoStar, withChangedGroup } from './support/stars.js'

const homes: Home[] = []

afterAll(async () => {
  await Promise.all(homes.map(async (home) => await home[Symbol.asyncDispose]()))
})

async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function reportFiles(home: Home, runId: string): string[] {
  return ['report.json', 'report.html', 'report.md'].map((name) =>
    readFileSync(join(home.metadata, 'runs', runId, name), 'utf8'),
  )
}

describe('the report of a run', () => {
  it('tells what the table holds and what changed, and the same after a worker was killed while it wrote it', async () => {
    const star = await demoStar(400)
    const home = new Home(star.options)
    homes.push(home)
    const first = await home.start().result()
    const told = parseRunReport(JSON.parse(reportFiles(home, first.runId)[0] ?? ''))
    expect(told.result.peakMemoryMb).toBe(first.peakMemoryMb)
    const { star: changed } = await withChangedGroup(star)
    home.configure(changed.options)
    const command = home.start({ ETL3_FAILPOINT: 'report:before-current', ETL3_FAILPOINT_SIGNAL: 'SIGSTOP' })
    const worker = await home.untilStopped('report:before-current')
    const second = home.runIds.find((id) => id !== first.runId) ?? ''
    const written = reportFiles(home, second)
    signalProcess(worker, 'SIGKILL')
    const result = await command.result()
    expect(result).toMatchObject({ runId: second, status: 'published' })
    expect(reportFiles(home, second)).toEqual(written)

    const [json = '', html = '', markdown = ''] = written
    const { contents, changes, placement, previous, course } = parseRunReport(JSON.parse(json))
    const files = `read_parquet('${home.table}/**/*.parquet', hive_partitioning = false)`
    expect(contents.byState.entries.map(({ value, rows }) => ({ value, rows }))).toEqual(
      await ask(
        `SELECT state AS value, count(*)::INTEGER AS rows FROM ${files} GROUP BY 1 ORDER BY rows DESC, value NULLS FIRST`,
      ),
    )
    expect(contents.medicare).toMatchObject(
      (
        await ask(
          `SELECT count(rate_to_medicare_ratio)::INTEGER AS rows, count(*) FILTER (is_above_medicare)::INTEGER AS above FROM ${files}`,
        )
      )[0] ?? {},
    )
    expect(placement.rows).toMatchObject(
      (
        await ask(`SELECT min(n)::INTEGER AS smallest, quantile_disc(n, 0.5)::INTEGER AS p50, max(n)::INTEGER AS largest
          FROM (SELECT count(*) AS n FROM read_parquet('${home.table}/**/*.parquet', hive_partitioning = false, filename = true) GROUP BY filename)`)
      )[0] ?? {},
    )
    expect(previous).toMatchObject({ runId: first.runId, rows: first.rows })
    const { added, replaced, kept, removed, total } = result.partitions
    expect([changes.added, changes.replaced, changes.kept, changes.removed].map((c) => c.partitions)).toEqual([
      added,
      replaced,
      kept,
      removed,
    ])
    expect(changes.added.rowsAfter + changes.replaced.rowsAfter + changes.kept.rowsAfter).toBe(result.rows)
    expect(changes.removed.rowsBefore + changes.replaced.rowsBefore + changes.kept.rowsBefore).toBe(first.rows)
    expect(placement.partitions).toBe(total)
    expect(course.phases.map((p) => p.phase)).toEqual([
      'open',
      'validate',
      'stage',
      'screen',
      'plan',
      'quality',
      'write',
      'audit',
      'publish',
      'register',
    ])
    for (const { startSeconds } of course.phases) expect(startSeconds).not.toBeNull()
    expect(Math.max(...course.memory.flatMap((m) => m.peaksMb.map((mb) => mb ?? 0)))).toBeGreaterThan(60)
    expect(html.match(/<svg /g)?.length).toBeGreaterThan(10)
    expect(markdown).toContain(`# Run ${second}: published`)
    // The printed peak counts the process that drew the charts.
    expect(result.peakMemoryMb).toBeLessThanOrEqual(512)
  })
})
