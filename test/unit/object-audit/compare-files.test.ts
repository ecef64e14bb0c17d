import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { compareBytes } from '../../../src/object-audit/compare-bytes.js'
import { compareFooters } from '../../../src/object-audit/compare-footers.js'
import type { UnitObjects } from '../../../src/object-audit/unit-objects.js'
import type { WrittenPartition } from '../../../src/object-audit/written-partition.js'
import { DICTIONARY } from '../../../src/star/dictionary.js'
import { quoted, text } from '../../oracle/sql.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'
import { planned, written } from './planned.js'

/** Objects of a unit of three partitions, and a ledger that tells of them as node:crypto sees them. */
function storedUnit(folder: string): { readonly objects: UnitObjects; readonly ledger: readonly WrittenPartition[] } {
  const ledger = [0, 1, 2].map((ordinal) => {
    const bytes = Buffer.from(`bytes of ${ordinal}`)
    writeFileSync(join(folder, `${ordinal}.parquet`), bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { ...written(planned(ordinal)), bytes: bytes.byteLength, sha256 }
  })
  return { objects: { store: new FolderStore(folder), keyOf: (ordinal) => `${ordinal}.parquet` }, ledger }
}

describe('the bytes of a unit', () => {
  it('pass where every object has the size and the SHA-256 of the ledger', async () => {
    const { objects, ledger } = storedUnit(lakeFolder())
    await expect(compareBytes(objects, ledger, GO_ON)).resolves.toBeUndefined()
  })

  it.each<[string, (file: string) => void]>([
    ['has a flipped bit', (file): void => writeFileSync(file, 'bytes of 3')],
    ['is cut off', (file): void => writeFileSync(file, 'bytes of')],
    ['is gone', (file): void => rmSync(file)],
  ])('fail where an object %s, and its partition is named', async (_, damage) => {
    const folder = lakeFolder()
    const { objects, ledger } = storedUnit(folder)
    damage(join(folder, '2.parquet'))
    await expect(compareBytes(objects, ledger, GO_ON)).rejects.toMatchObject({
      code: 'ETL3-AU-02',
      message: "the objects in the store are not the ones that were written in 1 partitions: 'state=S2/file.parquet'",
    })
  })
})

interface FileOptions {
  readonly rows?: number
  readonly fingerprint?: string
  readonly columns?: readonly string[]
}

const COLUMNS = DICTIONARY.map(({ name }) => name)

/** A file of rows of NULL, written by DuckDB. Default: as partition 1 is planned. */
async function fileOf(
  folder: string,
  { rows = 10, fingerprint = 'f1', columns = COLUMNS }: FileOptions,
): Promise<string> {
  const file = join(folder, 'file.parquet')
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`COPY (SELECT ${columns.map((name) => `NULL::VARCHAR AS ${quoted(name)}`).join(', ')} FROM range(${rows}))
    TO ${text(file)} (FORMAT parquet, KV_METADATA {"etl3.fingerprint": ${text(fingerprint)}})`)
  connection.closeSync()
  instance.closeSync()
  return file
}

describe.each(['sample', 'full'] as const)('a footer, in the audit of depth %s,', (depth) => {
  it('passes where it says the rows, columns and fingerprint of the plan', async () => {
    const file = await fileOf(lakeFolder(), {})
    await expect(compareFooters([planned(1)], [file], depth)).resolves.toBeUndefined()
  })

  it.each<[string, FileOptions]>([
    ['a row less', { rows: 9 }],
    ['another fingerprint', { fingerprint: 'f2' }],
    ['a column less', { columns: COLUMNS.slice(1) }],
    ['its columns in another order', { columns: COLUMNS.toReversed() }],
  ])('fails where it says %s', async (_, options) => {
    const file = await fileOf(lakeFolder(), options)
    await expect(compareFooters([planned(1)], [file], depth)).rejects.toMatchObject({
      code: 'ETL3-AU-03',
      message: "footers differ from the plan in 1 partitions: 'state=S1/file.parquet'",
    })
  })

  it('that cannot be read is a difference of its partition alone', async () => {
    const folder = lakeFolder()
    const good = await fileOf(folder, {})
    const bad = join(folder, 'bad.parquet')
    writeFileSync(bad, 'no footer')
    await expect(compareFooters([planned(1), planned(2)], [good, bad], depth)).rejects.toMatchObject({
      code: 'ETL3-AU-03',
      message: "footers differ from the plan in 1 partitions: 'state=S2/file.parquet'",
    })
  })
})
