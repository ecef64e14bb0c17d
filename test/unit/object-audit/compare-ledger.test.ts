import { describe, expect, it } from 'vitest'
import { compareLedger } from '../../../src/object-audit/compare-ledger.js'
import { difference } from '../../../src/object-audit/difference.js'
import { sampleOf } from '../../../src/object-audit/sample.js'
import type { WrittenPartition } from '../../../src/object-audit/written-partition.js'
import { planned, written } from './planned.js'

const DUE = [planned(0), planned(1), planned(2)]

describe('a ledger', () => {
  it('that is the plan passes, in whatever order its entries stand', () => {
    expect(() => compareLedger(DUE, DUE.map(written).toReversed())).not.toThrow()
  })

  it.each<[string, Partial<WrittenPartition>]>([
    ['a row less', { writtenRows: 9 }],
    ['a fact more', { facts: 11 }],
    ['another key', { key: 'state=S9/file.parquet' }],
    ['another fingerprint', { fingerprint: 'f9' }],
    ['another ordinal', { ordinal: 7 }],
  ])('that has %s in one partition fails, and the partition is named', (_, change) => {
    const ledger = DUE.map((partition, i) => ({ ...written(partition), ...(i === 1 ? change : {}) }))
    expect(() => compareLedger(DUE, ledger)).toThrow(
      expect.objectContaining({
        code: 'ETL3-AU-01',
        message: "the ledger differs from the plan in 1 partitions: 'state=S1/file.parquet'",
      }),
    )
  })

  it('that lacks a partition fails, and so does one that has a partition twice or one too many', () => {
    const all = DUE.map(written)
    const wrong = [all.slice(1), [...all, written(planned(1))], [...all, written(planned(3))]]
    for (const ledger of wrong) {
      expect(() => compareLedger(DUE, ledger)).toThrow(expect.objectContaining({ code: 'ETL3-AU-01' }))
    }
  })
})

describe('a difference', () => {
  it('names five partitions and counts the others, quoted where a key has a quote', () => {
    const keys = ["a'b", 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => ({ key }))
    expect(difference('ETL3-AU-02', 'bytes differ', keys).message).toBe(
      "bytes differ in 7 partitions: 'a''b', 'c', 'd', 'e', 'f' and 2 more",
    )
    expect(difference('ETL3-AU-02', 'bytes differ', keys.slice(0, 5)).message).not.toContain('more')
  })
})

describe('the sample of a unit', () => {
  it('has its largest partition and each fiftieth of the plan, in their order', () => {
    const due = Array.from({ length: 130 }, (_, i) => planned(i + 20, i === 77 ? 500 : 10))
    expect(sampleOf(due).map(({ ordinal }) => ordinal)).toEqual([50, 97, 100])
  })

  it('has the first of those that are largest, so that every attempt has the same', () => {
    expect(sampleOf([planned(1), planned(2), planned(3)]).map(({ ordinal }) => ordinal)).toEqual([1])
  })

  it('is empty only where the unit is', () => {
    expect(sampleOf([])).toEqual([])
    expect(sampleOf([planned(7, 0)])).toHaveLength(1)
  })
})
