/** Plan and manifest of many partitions, in an engine that would hold a fraction of their keys. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { withEngine } from '../../../src/engine/engine.js'
import type { InventoryEntry } from '../../../src/plan/inventory.js'
import { planPartitions } from '../../../src/plan/plan-partitions.js'
import { type WrittenObject, writeManifest } from '../../../src/plan/write-manifest.js'
import { layoutOf } from '../../../src/star/layout.js'
import type { StagedPaths } from '../../../src/star/staged-files.js'
import { text } from '../../oracle/sql.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const SLICES = 200
const CELLS = 300
const PARTITIONS = SLICES * CELLS
/** Of the keys alone there are about 15 MB, three times in what a plan of a known table compares. */
const ENGINE_MB = 48
/** So that a key has about 250 characters. */
const LONG = 'a name that people give to such things '.repeat(5)

const keyOf = (slice: number, cell: number): string =>
  `payer_slug=p${slice}/state=${LONG}${cell}/fact_rate_enriched.parquet`

async function inDuckDb(act: (run: (sql: string) => Promise<unknown[][]>) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await act(async (sql) => (await connection.runAndReadAll(sql)).getRows())
  connection.closeSync()
  instance.closeSync()
}

/** What is staged of a star with a fact in each slice, whose one group has a member in each cell. */
async function stagedStar(folder: string): Promise<StagedPaths> {
  const path = (name: string): string => join(folder, `${name}.parquet`)
  await inDuckDb(async (run) => {
    const put = (name: string, select: string): Promise<unknown> =>
      run(`COPY (${select}) TO ${text(path(name))} (FORMAT parquet)`)
    await put('attr_parts', `SELECT i::INTEGER AS part_id, 'p' || i AS payer_slug FROM range(${SLICES}) t(i)`)
    await put('code_parts', 'SELECT 0::INTEGER AS part_id')
    await put('group_parts', 'SELECT 0::INTEGER AS part_id')
    await put('cells', `SELECT i::INTEGER AS cell_id, ${text(LONG)} || i AS state FROM range(${CELLS}) t(i)`)
    await put('facts', `SELECT i::INTEGER AS fact_row, 0::INTEGER AS group_id FROM range(${SLICES}) t(i)`)
    await put('members', `SELECT 0::INTEGER AS group_id, i::INTEGER AS npi_id FROM range(${CELLS}) t(i)`)
    await put('quarantined', 'SELECT 0::INTEGER AS fact_row WHERE false')
  })
  const nowhere = path('nobody reads it')
  return {
    attrs: nowhere,
    codes: nowhere,
    groups: nowhere,
    npis: nowhere,
    cells: path('cells'),
    attr_parts: path('attr_parts'),
    code_parts: path('code_parts'),
    group_parts: path('group_parts'),
    members: path('members'),
    words: nowhere,
    facts: path('facts'),
    uids: nowhere,
    slices: nowhere,
    benchmarks: nowhere,
    benchmark_keys: nowhere,
    states: nowhere,
    quarantined: path('quarantined'),
  }
}

/** @param changed slice whose content is another one */
async function* inventory(changed?: number): AsyncGenerator<InventoryEntry> {
  for (let slice = 0; slice < SLICES; slice++) {
    for (let cell = 0; cell < CELLS; cell++) {
      const content = `${slice === changed ? 'changed' : slice}-${cell}`
      yield { block: 0, slice, cell, rows: 1, facts: 1, fingerprint: content.padStart(32, '0') }
    }
  }
}

function objectOf(ordinal: number, content = 'first'): WrittenObject {
  return {
    ordinal,
    bytes: 4000 + (ordinal % 99),
    sha256: `${content}${ordinal}`.padStart(64, '0'),
    etag: `mark-${ordinal}`,
  }
}

async function* written(ordinals: Iterable<number>, content?: string): AsyncGenerator<WrittenObject> {
  for (const ordinal of ordinals) yield objectOf(ordinal, content)
}

async function* observed(extra: string): AsyncGenerator<{ key: string; bytes: number; etag: string }> {
  for (let ordinal = 0; ordinal < PARTITIONS; ordinal++) {
    const { bytes, etag } = objectOf(ordinal)
    yield { key: keyOf(Math.floor(ordinal / CELLS), ordinal % CELLS), bytes, etag }
  }
  yield { key: extra, bytes: 1, etag: 'left over' }
}

async function* nothing(): AsyncGenerator<never> {}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('a table of many partitions with long keys', { timeout: 120_000 }, () => {
  it('is planned, listed, and planned again after a change, in an engine that cannot hold its keys', async () => {
    const folder = lakeFolder()
    const paths = await stagedStar(folder)
    const layout = layoutOf(['payer_slug', 'state'])
    const inEngine = <T>(act: Parameters<typeof withEngine<T>>[2]): Promise<T> =>
      withEngine({ memoryLimitMb: ENGINE_MB, threads: 1, scratch: folder }, GO_ON, act)
    const file = (name: string): string => join(folder, `${name}.parquet`)
    const extra = 'payer_slug=gone/state=TX/fact_rate_enriched.parquet'
    const plan = {
      paths,
      layout,
      valuesOf: (slice: number, cell: number) => [`p${slice}`, `${LONG}${cell}`],
      requireStorable: () => undefined,
      tellsApart: async () => true,
      checksumOf: async () => undefined,
      unitSeconds: 5,
    }
    const first = await inEngine((engine) =>
      planPartitions({
        ...plan,
        engine,
        inventory: inventory(),
        manifest: undefined,
        otherPlans: [],
        observed: nothing(),
        target: file('plan-1'),
      }),
    )
    expect(first.partitions).toEqual({ total: PARTITIONS, added: PARTITIONS, replaced: 0, kept: 0, removed: 0 })
    const manifest = { partitionColumns: layout.columns }
    await inEngine((engine) =>
      writeManifest({
        ...manifest,
        engine,
        plan: file('plan-1'),
        written: written(range(0, PARTITIONS)),
        before: undefined,
        runId: 'first',
        target: file('manifest-1'),
      }),
    )
    await inDuckDb((run) =>
      run(`COPY (SELECT ${text(extra)} AS key) TO ${text(file('other'))} (FORMAT parquet)`).then(() => {}),
    )
    const second = await inEngine((engine) =>
      planPartitions({
        ...plan,
        engine,
        inventory: inventory(3),
        manifest: file('manifest-1'),
        otherPlans: [file('other')],
        observed: observed(extra),
        target: file('plan-2'),
      }),
    )
    expect(second.partitions).toEqual({
      total: PARTITIONS,
      added: 0,
      replaced: CELLS,
      kept: PARTITIONS - CELLS,
      removed: 1,
    })
    await inEngine((engine) =>
      writeManifest({
        ...manifest,
        engine,
        plan: file('plan-2'),
        written: written(range(3 * CELLS, 4 * CELLS), 'second'),
        before: file('manifest-1'),
        runId: 'second',
        target: file('manifest-2'),
      }),
    )
    await inDuckDb(async (run) => {
      const plans = `SELECT *, file_row_number AS place FROM read_parquet(${text(file('plan-2'))}, file_row_number = true)`
      // The order, the key and the values of each partition, from numbers alone.
      expect(
        await run(`SELECT count(*), count(*) FILTER (ordinal <> place - 1), min(ordinal),
          count(*) FILTER (ordinal >= 0 AND key <> 'payer_slug=' || payer_slug || '/state=' || state || '/fact_rate_enriched.parquet'),
          count(*) FILTER (ordinal >= 0 AND (payer_slug <> 'p' || (ordinal // ${CELLS}) OR state <> ${text(LONG)} || (ordinal % ${CELLS})))
          FROM (${plans})`),
      ).toEqual([[BigInt(PARTITIONS + 1), 0n, -1, 0n, 0n]])
      expect(
        await run(`WITH m AS (SELECT *, file_row_number AS place FROM read_parquet(${text(file('manifest-2'))}, file_row_number = true)),
            sorted AS (SELECT key, row_number() OVER (ORDER BY key) - 1 AS due FROM m)
          SELECT count(*), count(DISTINCT m.key), count(*) FILTER (m.place <> due),
            count(*) FILTER (m.bytes <> 4000 + p.ordinal % 99 OR m.etag <> 'mark-' || p.ordinal OR m.payer_slug <> p.payer_slug),
            count(*) FILTER (m.run_id = 'second'), count(*) FILTER ((m.run_id = 'second') <> (p.payer_slug = 'p3')),
            count(*) FILTER (m.sha256 <> lpad(CASE WHEN p.payer_slug = 'p3' THEN 'second' ELSE 'first' END || p.ordinal, 64, '0'))
          FROM m JOIN sorted USING (key) JOIN (${plans}) p USING (key)`),
      ).toEqual([[BigInt(PARTITIONS), BigInt(PARTITIONS), 0n, 0n, BigInt(CELLS), 0n, 0n]])
    })
  })
})
