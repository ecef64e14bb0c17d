import { describe, expect, it } from 'vitest'
import { type InputsRecord, inputsRecordJson, parseInputsRecord } from '../../../src/records/inputs.js'

const shape = {
  types: { pg_uid: 'BIGINT', npi: 'VARCHAR' },
  names: { npi: 'NPI' },
  missingOptional: [],
  extra: ['note'],
}

function recordOf(files: number): InputsRecord {
  return {
    formatVersion: 1,
    tables: [
      {
        name: 'xref_pg_member_npi',
        files: Array.from({ length: files }, (_, i) => ({
          path: `/star/${i}.parquet`,
          schema: { rows: i, ...(i === 1 ? { ...shape, extra: [] } : shape) },
        })),
      },
    ],
    findings: [],
    warnings: [],
  }
}

describe('inputs.json', () => {
  it('gives back each file with its schema', () => {
    const record = recordOf(5)
    expect(parseInputsRecord(JSON.parse(JSON.stringify(inputsRecordJson(record))))).toEqual(record)
  })

  it('stores a schema once, however many files have it', () => {
    const size = (files: number): number => JSON.stringify(inputsRecordJson(recordOf(files))).length
    expect((size(10_000) - size(100)) / 9_900).toBeLessThan(60)
  })

  it('is read as runs before wrote it: a schema with each file', () => {
    const { names: _, ...before } = shape
    const table = { name: 'dim_npi', files: [{ path: '/star/dim_npi.parquet', schema: { rows: 7, ...before } }] }
    const finding = {
      ...{ name: 'dim_npi', files: 1, rows: 7, missingOptional: [], extra: ['note'] },
      equalDuplicates: 0,
    }
    const record = parseInputsRecord({
      formatVersion: 1,
      tables: [table],
      findings: [{ ...finding, differingKeys: 0, nullKeys: 0 }],
      warnings: [],
    })
    expect(record.tables[0]?.files).toEqual([
      { path: '/star/dim_npi.parquet', schema: { rows: 7, ...before, names: {} } },
    ])
    expect(record.findings[0]?.paddedCodes).toEqual([])
  })

  it('refuses a file whose schema is not there', () => {
    const files = [{ path: '/star/a.parquet', rows: 1, shape: 1 }]
    const record = {
      formatVersion: 1,
      tables: [{ name: 'dim_npi', shapes: [shape], files }],
      findings: [],
      warnings: [],
    }
    expect(() => parseInputsRecord(record)).toThrow('/star/a.parquet has shape 1 of 1')
  })
})
