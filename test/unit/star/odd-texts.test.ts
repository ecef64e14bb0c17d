import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TableName } from '../../../src/config/schema.js'
import type { Engine } from '../../../src/engine/engine.js'
import { warningsOf } from '../../../src/star/input-warnings.js'
import { checkKeys } from '../../../src/star/validate.js'
import { type OddColumns, openEngine, readBack, writeOdd } from './odd-file.js'

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etl3-odd-texts-'))
  engine = await openEngine(folder)
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function warningsFor(name: TableName, ...files: readonly OddColumns[]): Promise<string[]> {
  const paths: string[] = []
  for (const [i, columns] of files.entries()) {
    const path = join(folder, `${name}-${i}.parquet`)
    await writeOdd(engine, path, name, { columns })
    paths.push(path)
  }
  const { files: checked } = await readBack(engine, name, paths)
  return warningsOf(await checkKeys([{ name, files: checked }], 'first', engine))
}

describe('a text that does not have the form of its column', () => {
  it.each(['6037', '48453.0', ' 06037', '0603A'])('is told of where a county is %j', async (text) => {
    const warnings = await warningsFor('dim_npi_address_geolocation', { county_fips: `'${text}'` })
    expect(warnings).toContainEqual(
      `dim_npi_address_geolocation.county_fips is no code of five digits in 1 row, for example "${text}": ` +
        'they stay as they are, and match no list of such codes',
    )
  })

  it('is told of in a month of Medicare rows: it decides which one is the newest', async () => {
    const month = (text: string): OddColumns => ({ year_month: `'${text}'`, code: `'${text}'` })
    const warnings = await warningsFor('bench_medicare_professional', month('June 2025'), month('2025-06'))
    expect(warnings).toContainEqual(
      'bench_medicare_professional.year_month is no month in 1 row, for example "June 2025": ' +
        'of the rows of a code, state and data_year, the last in the order of these texts counts',
    )
  })

  it.each(["'06037'", "''", 'NULL::VARCHAR', '6037', '6037.0::DOUBLE', "'06037'::BLOB"])(
    'is none of these: %s',
    async (county) => {
      const warnings = await warningsFor('dim_npi_address_geolocation', { county_fips: county })
      expect(warnings.filter((warning) => warning.includes('is no code'))).toEqual([])
    },
  )
})
