import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { columnOf, encodeAll, type Partition, rowsOf } from './partition.js'
import { limits, partitions } from './random-partition.js'
import { inFolder, readWithDuckdb, readWithHyparquet, readWithPyarrow } from './readers.js'

const SEED = 20261128

const textColumns = ({ columns }: Partition): string[] =>
  columns.flatMap(({ name, type }) => (type === 'string' ? [name] : []))

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** Row groups of which the engine says by the filter that they do not have the value. */
async function excluded(connection: DuckDBConnection, file: string, column: string, value: string): Promise<number[]> {
  const reader = await connection.runAndReadAll(
    `SELECT row_group_id::INTEGER FROM parquet_bloom_probe(${quoted(file)}, ${quoted(column)}, ${quoted(value)})
     WHERE bloom_filter_excludes ORDER BY 1`,
  )
  return reader.getRows().map(([id]) => Number(id))
}

describe('Bloom filters', () => {
  it('never deny a value that is there, and leave all values as they are for every reader', async () => {
    const cases = fc
      .sample(fc.tuple(partitions, limits), { seed: SEED, numRuns: 60 })
      .filter(([partition]) => textColumns(partition).length > 0 && partition.groups.some(({ rows }) => rows > 0))
    expect(cases.length).toBeGreaterThan(20)
    const files = cases.map(([partition, options]) =>
      encodeAll(
        createPartitionEncoder(partition.columns, { ...options, bloomFilters: textColumns(partition) }),
        partition,
      ),
    )
    const plain = cases.map(([partition, options]) =>
      encodeAll(createPartitionEncoder(partition.columns, options), partition),
    )
    const [read, due] = [await readWithPyarrow(files), await readWithPyarrow(plain)]
    expect(read.map(({ rows }) => rows)).toEqual(due.map(({ rows }) => rows))
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    try {
      await inFolder(async (folder) => {
        for (const [i, [partition]] of cases.entries()) {
          const path = join(folder, `${i}.parquet`)
          await writeFile(path, files[i]!)
          for (const [g, part] of partition.groups.filter(({ rows }) => rows > 0).entries()) {
            const rows = rowsOf({ ...partition, groups: [part] })
            for (const column of textColumns(partition)) {
              const values = new Set(rows.flatMap((row) => (typeof row[column] === 'string' ? [row[column]] : [])))
              for (const value of [...values].filter((v) => !v.includes('\0')).slice(0, 5)) {
                expect(await excluded(connection, path, column, value)).not.toContain(g)
              }
            }
          }
        }
      })
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  })

  it('deny nearly every value that is not there, of few values as of many', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    try {
      await inFolder(async (folder) => {
        for (const values of [1, 7, 1_000, 20_000]) {
          const there = Array.from({ length: values }, (_, i) => `there ${i}`)
          const partition = columnOf('string', [...there, ...there, null])
          const file = encodeAll(createPartitionEncoder(partition.columns, { bloomFilters: ['value'] }), partition)
          const path = join(folder, `${values}.parquet`)
          await writeFile(path, file)
          const absent = Array.from({ length: 300 }, (_, i) => `absent ${i}`)
          let denied = 0
          for (const value of absent) denied += (await excluded(connection, path, 'value', value)).length
          expect(denied).toBeGreaterThan(280)
          expect([await readWithHyparquet(file)]).toEqual(await readWithDuckdb([file]))
        }
      })
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  })

  it('are named in the footer with their length, behind the pages of their row group, and only where asked for', () => {
    const partition = columnOf('string', ['a', 'b', 'a'])
    const file = encodeAll(createPartitionEncoder(partition.columns, { bloomFilters: ['value'] }), partition)
    const [group] = parquetMetadata(new Uint8Array(file).buffer).row_groups
    const chunk = group?.columns[0]?.meta_data
    const offset = Number(chunk?.bloom_filter_offset)
    const length = Number(chunk?.bloom_filter_length)
    expect(offset).toBeGreaterThanOrEqual(Number(chunk?.data_page_offset))
    // The filter of two values is one block of 32 bytes behind a header of 15.
    expect(length).toBe(47)
    expect(file.readInt32LE(file.length - 8)).toBe(file.length - 8 - offset - length)
    const without = encodeAll(createPartitionEncoder(partition.columns, { bloomFilters: ['other'] }), partition)
    expect(without.equals(encodeAll(createPartitionEncoder(partition.columns), partition))).toBe(true)
  })
})
