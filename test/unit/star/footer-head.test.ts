import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { sqlString } from '../../../src/engine/sql.js'
import { footerHead } from '../../../src/star/footer-head.js'

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-footer-head-'))
  engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: folder })
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function written(name: string, select: string, options = ''): Promise<string> {
  const path = join(folder, `${name}.parquet`)
  await engine.run(`COPY (${select}) TO ${sqlString(path)} (FORMAT parquet${options})`)
  return path
}

const COLUMNS = "i, 'text' AS t, i::DECIMAL(9,2) AS d, [i, 2] AS l, {a: i, b: TIMESTAMP '2025-01-01'} AS s, true AS y"

describe('the head of a footer', () => {
  it('has the rows that another reader finds, and the same schema only where the columns are the same', async () => {
    const few = await written('few', `SELECT ${COLUMNS} FROM range(3) r(i)`)
    const many = await written('many', `SELECT ${COLUMNS} FROM range(200_000) r(i)`, ', ROW_GROUP_SIZE 2048')
    const other = await written('other', `SELECT ${COLUMNS.replace('AS t', 'AS u')} FROM range(3) r(i)`)
    const empty = await written('empty', `SELECT ${COLUMNS} FROM range(0) r(i)`)
    for (const path of [few, many, other, empty]) {
      const bytes = readFileSync(path)
      const { num_rows } = parquetMetadata(Uint8Array.from(bytes).buffer)
      expect(footerHead(path)?.rows).toBe(Number(num_rows))
    }
    expect(readFileSync(many).readUInt32LE(readFileSync(many).length - 8)).toBeGreaterThan(16 * 1024)
    expect(footerHead(many)?.schema).toBe(footerHead(few)?.schema)
    expect(footerHead(empty)?.schema).toBe(footerHead(few)?.schema)
    expect(footerHead(other)?.schema).not.toBe(footerHead(few)?.schema)
  })

  it('is left to the engine of what is no whole Parquet file, wherever it was cut or damaged', async () => {
    const whole = readFileSync(await written('whole', `SELECT ${COLUMNS} FROM range(3) r(i)`))
    const path = join(folder, 'broken')
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(path, whole.subarray(0, length))
      expect(footerHead(path)).toBeUndefined()
    }
    const footer = whole.readUInt32LE(whole.length - 8)
    for (const length of [0, 1, 20, 2 ** 31, 2 ** 32 - 1]) {
      const damaged = Buffer.from(whole)
      damaged.writeUInt32LE(length, whole.length - 8)
      writeFileSync(path, damaged)
      expect(footerHead(path)).toBeUndefined()
    }
    const nested = Buffer.from(whole)
    nested.fill(0x1c, whole.length - 8 - footer + 4, whole.length - 8)
    writeFileSync(path, nested)
    expect(footerHead(path)).toBeUndefined()
    expect(footerHead(join(folder, 'nothing'))).toBeUndefined()
  })
})
