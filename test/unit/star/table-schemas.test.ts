import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Engine } from '../../../src/engine/engine.js'
import { InputError } from '../../../src/runtime/errors.js'
import type { InputFile } from '../../../src/star/inputs.js'
import { readSchemas } from '../../../src/star/table-schemas.js'

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-schemas-'))
  engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: folder })
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function fileOf(name: string, select: string): Promise<InputFile> {
  const path = join(folder, name)
  await engine.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`)
  return { path, bytes: 1, modifiedMs: 0, sha256: '' }
}

const TEXT = "'a' AS payer_slug, 'b' AS reporting_entity_name"

describe('the schemas of many files', () => {
  it('are each that of its file: rows, types, what is missing, what is there besides', async () => {
    const files = [
      await fileOf('1.parquet', `SELECT ${TEXT} FROM range(3)`),
      await fileOf('2.parquet', `SELECT ${TEXT} FROM range(0)`),
      await fileOf('3.parquet', "SELECT 'a' AS payer_slug FROM range(4)"),
      await fileOf('4.parquet', `SELECT ${TEXT}, 1 AS note FROM range(5)`),
      await fileOf('5.parquet', "SELECT 'a' AS payer_slug, DATE '2025-01-01' AS reporting_entity_name FROM range(6)"),
      await fileOf('6.parquet', `SELECT ${TEXT} FROM range(7)`),
    ]
    const found = await readSchemas('dim_payer', files, engine)
    const text = { payer_slug: 'VARCHAR', reporting_entity_name: 'VARCHAR' }
    expect(found.map(({ file }) => file)).toEqual(files)
    expect(found.map(({ schema }) => schema.rows)).toEqual([3, 0, 4, 5, 6, 7])
    expect(found.map(({ schema }) => schema.types)).toEqual([
      text,
      text,
      { payer_slug: 'VARCHAR' },
      text,
      { ...text, reporting_entity_name: 'DATE' },
      text,
    ])
    expect(found.map(({ schema }) => schema.missingOptional.includes('reporting_entity_name'))).toEqual(
      [1, 2, 3, 4, 5, 6].map((i) => i === 3),
    )
    expect(found.map(({ schema }) => schema.extra)).toEqual([[], [], [], ['note'], [], []])
  })

  it('take no more statements for 300 files of two schemas than for four', async () => {
    const files = []
    for (let i = 0; i < 300; i++) {
      files.push(await fileOf(`many-${i}.parquet`, i % 2 === 0 ? `SELECT ${TEXT}` : "SELECT 'a' AS payer_slug"))
    }
    const statements = vi.spyOn(engine, 'rows')
    await readSchemas('dim_payer', files.slice(0, 4), engine)
    const few = statements.mock.calls.length
    const found = await readSchemas('dim_payer', files, engine)
    expect(statements.mock.calls.length - few).toBe(few)
    expect(found).toHaveLength(300)
    statements.mockRestore()
  })

  it('name the one file that is no Parquet file', async () => {
    const good = await fileOf('good.parquet', `SELECT ${TEXT}`)
    const path = join(folder, 'bad.parquet')
    writeFileSync(path, 'PAR1, but not really')
    const files = [good, { ...good, path }, await fileOf('good-2.parquet', `SELECT ${TEXT}`)]
    const failure = await readSchemas('dim_payer', files, engine).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(InputError)
    expect(failure).toMatchObject({ code: 'ETL3-IN-03', message: expect.stringContaining(`[file=${path}]`) })
  })

  it('name the first file of a schema that the contract refuses', async () => {
    const files = [
      await fileOf('right.parquet', `SELECT ${TEXT}`),
      await fileOf('wrong.parquet', 'SELECT 1 AS something'),
      await fileOf('wrong-2.parquet', 'SELECT 1 AS something'),
    ]
    await expect(readSchemas('dim_payer', files, engine)).rejects.toMatchObject({
      code: 'ETL3-IN-04',
      message: expect.stringContaining(`[file=${files[1]?.path}]`),
    })
  })
})
