import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { readFooter } from '../../../src/parquet/footer-check.js'
import { Etl3Error } from '../../../src/runtime/errors.js'
import { lakeFolder } from '../lake/folder/lake-folder.js'
import { axis, bytesPool, columnOf, encodeAll, group, int32Pool, listPool, type Partition } from './partition.js'

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof Etl3Error) return `${error.code} ${error.message}`
    throw error
  }
  return 'nothing was refused'
}

const column = { name: 'npi', type: 'string' } as const
const pool = bytesPool(['a', 'b'])

function encodingOf(partition: Partition): string {
  return codeOf(() => encodeAll(createPartitionEncoder(partition.columns), partition))
}

describe('the encoder refuses, and says what and where,', () => {
  it('a schema without columns, with one name twice, or with an empty name', () => {
    expect(codeOf(() => createPartitionEncoder([]))).toMatch(/^ETL3-PQ-10 .*columns=0/)
    expect(codeOf(() => createPartitionEncoder([column, column]))).toMatch(/^ETL3-PQ-10 .*name=npi/)
    expect(codeOf(() => createPartitionEncoder([{ ...column, name: '' }]))).toMatch(/^ETL3-PQ-10/)
  })

  it('sources that do not fit the columns', () => {
    const encoder = createPartitionEncoder([column])
    expect(codeOf(() => encoder.bind([]))).toMatch(/^ETL3-PQ-04 .*1 columns, but 0 sources/)
    expect(codeOf(() => encoder.bind([{ from: 'numbers', stream: 0 }]))).toMatch(/^ETL3-PQ-04 .*npi.*string.*numbers/)
    expect(codeOf(() => encoder.bind([{ from: 'axis', axis: 0, pool: int32Pool([1]), valueOf: undefined }]))).toMatch(
      /^ETL3-PQ-04 .*npi.*pool of int32/,
    )
  })

  it('to encode before it knows the sources', () => {
    const encoder = createPartitionEncoder([column])
    expect(codeOf(() => [...encoder.encode([group([1], [axis('file', [0])])], [])])).toMatch(/^ETL3-PQ-04/)
  })

  it('entries and values that do not exist', () => {
    const of = (entries: number[], first?: Int32Array, second?: Int32Array): Partition => ({
      columns: [column, { name: 'other', type: 'string' }],
      sources: [
        { from: 'axis', axis: 0, pool, valueOf: first },
        { from: 'axis', axis: 0, pool, valueOf: second },
      ],
      groups: [group([entries.length], [axis('row', entries)])],
    })
    expect(encodingOf(of([0, 2]))).toMatch(/^ETL3-PQ-03 .*entry 2/)
    expect(encodingOf(of([0, 1], Int32Array.of(0, 2)))).toMatch(/^ETL3-PQ-03 .*npi.*value 2.*values=2/)
    expect(encodingOf(of([0, 1], Int32Array.of(0)))).toMatch(/^ETL3-PQ-03 .*npi.*entry 1.*known=1/)
    expect(encodingOf(of([2], Int32Array.of(0, 1, 1)))).toMatch(/^ETL3-PQ-03 .*other.*value 2.*values=2/)
    const lists = listPool([['a']])
    if (lists.kind !== 'list') throw new Error('the test made another pool')
    expect(
      encodingOf({
        columns: [{ name: 'tins', type: 'list' }],
        sources: [{ from: 'axis', axis: 0, pool: { ...lists, items: Int32Array.of(7) }, valueOf: undefined }],
        groups: [group([1], [axis('row', [0])])],
      }),
    ).toMatch(/^ETL3-PQ-03 .*tins.*element 7.*elements=1/)
  })

  it('row groups whose parts contradict each other', () => {
    const good = columnOf('string', ['a', 'b', 'a'])
    const part = good.groups[0]!
    const wrong = (change: Partial<typeof part>) => encodingOf({ ...good, groups: [{ ...part, ...change }] })
    expect(encodingOf(good)).toBe('nothing was refused')
    expect(wrong({ rows: 4 })).toMatch(/^ETL3-PQ-05 .*sum to 3 rows.*rows=4/)
    expect(wrong({ facts: 2 })).toMatch(/^ETL3-PQ-05/)
    expect(wrong({ facts: 2, runLengths: Int32Array.of(3, 0) })).toMatch(/^ETL3-PQ-05 .*shortest run=0/)
    expect(wrong({ axes: [] })).toMatch(/^ETL3-PQ-05 .*0 axes/)
    expect(wrong({ axes: [axis('row', [0, 1])] })).toMatch(/^ETL3-PQ-02 .*'row' has 2 items.*needed=3/)
    const numbers: Partition = {
      columns: [{ name: 'year', type: 'int32' }],
      sources: [{ from: 'numbers', stream: 0 }],
      groups: [group([2], [], [{ grain: 'row', values: Float64Array.of(2025), valid: undefined }])],
    }
    expect(encodingOf(numbers)).toMatch(/^ETL3-PQ-02 .*needed=2/)
    expect(encodingOf({ ...numbers, groups: [group([1], [])] })).toMatch(/^ETL3-PQ-05 .*0 number streams/)
  })

  it('numbers that an integer column can not hold', () => {
    for (const value of [1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(
        encodingOf({
          columns: [{ name: 'year', type: 'int32' }],
          sources: [{ from: 'numbers', stream: 0 }],
          groups: [group([2], [], [{ grain: 'row', values: Float64Array.of(1, value), valid: undefined }])],
        }),
      ).toBe(`ETL3-PQ-06 column year holds ${value}, which is no 32-bit integer`)
    }
  })

  it('to go on with a file after another one took its buffers', () => {
    const partition = columnOf('string', ['a'])
    const encoder = createPartitionEncoder(partition.columns)
    encoder.bind(partition.sources)
    const twice = () => {
      const groups = function* () {
        yield partition.groups[0]!
        encodeAll(encoder, partition)
        yield partition.groups[0]!
      }
      return [...encoder.encode(groups(), [])]
    }
    expect(codeOf(twice)).toMatch(/^ETL3-PQ-07/)
    // What was left half done does not show in the next file.
    expect(encodeAll(encoder, partition)).toEqual(encodeAll(createPartitionEncoder(partition.columns), partition))
  })
})

describe('the footer check refuses', () => {
  const partition = columnOf('string', ['a', 'b'])
  const file = encodeAll(createPartitionEncoder(partition.columns), partition, [['k', 'v']])

  it('what is no Parquet file, by name', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('PAR1PAR1'),
      Buffer.from('no parquet at all'),
      file.subarray(0, -1),
    ]) {
      const path = join(lakeFolder(), 'x.parquet')
      writeFileSync(path, bytes)
      for (const reading of [() => readFooter(bytes, 'lake/x.parquet'), () => readFooter(path)]) {
        expect(reading).toThrow(
          expect.objectContaining({ code: 'ETL3-PQ-20', message: expect.stringContaining('/x.parquet]') }),
        )
      }
    }
  })

  it('a footer whose row groups hold other rows than the file', () => {
    const broken = Buffer.from(file)
    // num_rows of the file: field 3, an i64 (0x16), the only one that follows the schema's last struct with 2 rows.
    const at = broken.lastIndexOf(Buffer.of(0x00, 0x16, 0x04, 0x19))
    expect(at).toBeGreaterThan(0)
    broken[at + 2] = 0x06
    expect(() => readFooter(broken)).toThrow('row groups hold 2 rows, the file 3')
  })

  it('nothing of a whole file, read from its path as from its bytes', () => {
    const path = join(lakeFolder(), 'x.parquet')
    writeFileSync(path, file)
    expect(readFooter(path)).toEqual(readFooter(file))
  })

  it('nothing of a file without metadata', () => {
    const bare = encodeAll(createPartitionEncoder(partition.columns), partition)
    expect(readFooter(bare).metadata.size).toBe(0)
  })
})
