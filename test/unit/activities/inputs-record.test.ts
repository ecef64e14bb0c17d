import { describe, expect, it } from 'vitest'
import { type InputsRecord, parseInputsRecord, storedInputs } from '../../../src/records/inputs.js'

const TEXT = { types: { npi: 'VARCHAR' }, missingOptional: ['status'], extra: [] }
const WHOLE = { types: { npi: 'BIGINT' }, missingOptional: [], extra: ['note'] }

function recordOf(files: InputsRecord['tables'][number]['files']): InputsRecord {
  return { formatVersion: 1, tables: [{ name: 'dim_npi', files }], findings: [], warnings: ['a warning'] }
}

function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

describe('the record of the checked input', () => {
  it('gives back each file with its own rows and schema', () => {
    const record = recordOf([
      { path: '/star/a.parquet', schema: { ...TEXT, rows: 3 } },
      { path: '/star/b.parquet', schema: { ...WHOLE, rows: 0 } },
      { path: '/star/c.parquet', schema: { ...TEXT, rows: 5 } },
    ])
    expect(parseInputsRecord(throughJson(storedInputs(record)))).toEqual(record)
  })

  it('holds a schema once, however many files have it', () => {
    const files = Array.from({ length: 10_000 }, (_, i) => ({ path: `/${i}`, schema: { ...TEXT, rows: i } }))
    const stored = storedInputs(recordOf(files))
    expect(stored.tables[0]?.schemas).toEqual([TEXT])
    expect(JSON.stringify(stored).length).toBeLessThan(20 * files.length)
  })

  it('is understood as an older version stored it, with the schema in each file', () => {
    const record = recordOf([{ path: '/star/a.parquet', schema: { ...TEXT, rows: 3 } }])
    expect(parseInputsRecord(throughJson(record))).toEqual(record)
  })

  it('is refused where a file names a schema that is not there', () => {
    const stored = {
      ...recordOf([]),
      tables: [{ name: 'dim_npi', schemas: [TEXT], files: [['/star/a.parquet', 3, 1]] }],
    }
    expect(() => parseInputsRecord(stored)).toThrow('there is no schema 1 of dim_npi')
  })
})
