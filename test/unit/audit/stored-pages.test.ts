import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyFilter } from '../../../src/audit/key-filter.js'
import { type FileColumn, ParquetRows, type RowRange } from '../../../src/audit/parquet-rows.js'
import { scalarReader } from '../../../src/audit/scalars.js'
import type { RawValue } from '../../../src/audit/stored-values.js'

const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'
const LIMITS = { chunkBytes: 16 * 1024 * 1024, heapBytes: 16 * 1024 * 1024 }
const ROWS = 3000

// Runs, packed numbers, both; texts that repeat and that do not; lists that are missing, empty and with missing items.
const SCRIPT = `
import json, sys, pyarrow as pa, pyarrow.parquet as pq
folder, rows = sys.argv[1], int(sys.argv[2])
def some(i): return i % 7 != 3
table = {
  'runs': [f'run {i // 500}' for i in range(rows)],
  'packed': [f'value {i * 7919 % 301}' for i in range(rows)],
  'both': [f'value {i * 31 % 97}' if i // 400 % 2 else 'same' for i in range(rows)],
  'alone': [f'only {i} é' for i in range(rows)],
  'empty': ['' if i % 2 else 'x' for i in range(rows)],
  'gaps': [f'value {i % 13}' if some(i) else None for i in range(rows)],
  'gaps_alone': [f'only {i}' if some(i) else None for i in range(rows)],
  'nothing': [None] * rows,
  'number': [i * 17 % 1009 for i in range(rows)],
  'double': [i / 8 if some(i) else None for i in range(rows)],
  'bool': [i % 3 == 0 for i in range(rows)],
  'list': [None if i % 11 == 0 else [f'item {k % 5}' if k % 4 else None for k in range(i % 6)] for i in range(rows)],
}
types = {'nothing': pa.string(), 'number': pa.int64(), 'double': pa.float64(), 'bool': pa.bool_(), 'list': pa.list_(pa.string())}
columns = pa.table({n: pa.array(v, types.get(n, pa.string())) for n, v in table.items()})
json.dump(table, open(f'{folder}/values.json', 'w'))
for version in ['1.0', '2.0']:
  for dictionary in [True, False]:
    for codec in ['zstd', 'snappy', 'none']:
      pq.write_table(columns, f'{folder}/{version}-{dictionary}-{codec}.parquet', data_page_version=version, use_dictionary=dictionary,
        compression=codec, row_group_size=1700, data_page_size=4096, write_batch_size=100, dictionary_pagesize_limit=4096)
`

let folder: string
let values: Readonly<Record<string, readonly unknown[]>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-stored-pages-'))
  await promisify(execFile)(PYTHON, ['-c', SCRIPT, folder, String(ROWS)])
  values = JSON.parse(readFileSync(join(folder, 'values.json'), 'utf8'))
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = ['1.0', '2.0'].flatMap((version) =>
  ['True', 'False'].flatMap((dictionary) =>
    ['zstd', 'snappy', 'none'].map((codec) => `${version}-${dictionary}-${codec}`),
  ),
)

async function withRows<T>(name: string, act: (rows: ParquetRows) => Promise<T>): Promise<T> {
  const rows = await ParquetRows.open(join(folder, `${name}.parquet`), LIMITS)
  try {
    return await act(rows)
  } finally {
    rows.close()
  }
}

/** The group's rows, and parts of them that begin and end within pages. */
function rangesOf({ group, from, to }: RowRange): RowRange[] {
  const [third, half] = [from + Math.floor((to - from) / 3), from + Math.floor((to - from) / 2)]
  return [
    { group, from, to },
    { group, from: third, to: half },
    { group, from: half, to: half + 1 },
    { group, from: third, to },
  ]
}

function plain(column: FileColumn): (raw: RawValue) => unknown {
  const read = scalarReader(column.element)
  const one = (raw: RawValue): unknown => {
    const value = read(raw)
    return typeof value === 'bigint' ? Number(value) : value
  }
  return (raw) => (Array.isArray(raw) ? raw.map(one) : one(raw))
}

describe('pages of a column', () => {
  it.each(files)('give the values that pyarrow wrote, in whatever rows are asked for: %s', async (name) => {
    await withRows(name, async (rows) => {
      expect(rows.groups).toHaveLength(2)
      for (const column of rows.columns) {
        const due = values[column.name] ?? []
        const make = plain(column)
        for (const range of rows.groups.flatMap(rangesOf)) {
          const stored = await rows.read(column, range)
          const single = Array.from({ length: stored.length }, (_, i) => make(stored.at(i)))
          expect(single, column.name).toEqual(due.slice(range.from, range.to))
          const all = [...stored.index].map((entry) => make(stored.entry(entry)))
          expect(all, column.name).toEqual(single)
          const { entries, none } = stored.counts()
          expect(entries.reduce((sum, n) => sum + n, none)).toBe(stored.length)
        }
      }
    })
  })

  it.each(files)('tell the rows that may hold a text, all that do among them: %s', async (name) => {
    await withRows(name, async (rows) => {
      for (const wanted of ['value 5', 'run 2', 'only 1234', 'same', '']) {
        for (const column of rows.columns.filter((c) => c.element.type === 'BYTE_ARRAY' && !c.list)) {
          for (const group of rows.groups) {
            const found = (await rows.read(column, group)).rowsThatMayBe(new KeyFilter([wanted]))
            const due = (values[column.name] ?? []).slice(group.from, group.to)
            const holding = [...due.keys()].filter((i) => due[i] === wanted)
            expect(found).toEqual(expect.arrayContaining(holding))
            if (column.name !== 'gaps' || wanted !== '') expect(found.length).toBeLessThan(due.length)
          }
        }
      }
    })
  })
})
