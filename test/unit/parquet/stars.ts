/** Small partitions with names, used by several tests and by the golden files. */

import { axis, booleanPool, bytesPool, doublePool, group, int32Pool, listPool, type Partition } from './partition.js'

/** Six rows of three facts, every type, every grain, NULLs of every kind. */
export const everyType: Partition = {
  columns: [
    { name: 'payer', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'npi', type: 'string' },
    { name: 'rate', type: 'double' },
    { name: 'score', type: 'double' },
    { name: 'year', type: 'int32' },
    { name: 'day', type: 'date' },
    { name: 'sole', type: 'boolean' },
    { name: 'tins', type: 'list' },
    { name: 'nothing', type: 'string' },
  ],
  sources: [
    { from: 'axis', axis: 0, pool: bytesPool(['Aetna', 'Kaiser']), valueOf: undefined },
    { from: 'axis', axis: 1, pool: bytesPool(['99213', '99214', '99215'], true), valueOf: undefined },
    { from: 'axis', axis: 2, pool: bytesPool(['1', '2', '3', '4']), valueOf: Int32Array.of(3, 2, 1, 0) },
    { from: 'numbers', stream: 0 },
    { from: 'axis', axis: 2, pool: doublePool([1.5, -0, Number.NaN]), valueOf: Int32Array.of(0, 1, -1, 2) },
    { from: 'numbers', stream: 1 },
    { from: 'axis', axis: 1, pool: int32Pool([0, -719_162, 20_301]), valueOf: Int32Array.of(1, 2, 0) },
    { from: 'axis', axis: 2, pool: booleanPool([false, true]), valueOf: Int32Array.of(0, 1, -1, 0) },
    { from: 'axis', axis: 1, pool: listPool([['a', 'b'], [], ['c', null]]), valueOf: Int32Array.of(2, 1, 0) },
    { from: 'axis', axis: 3, pool: bytesPool(['x']), valueOf: undefined },
  ],
  groups: [
    group(
      [2, 3, 1],
      [axis('file', [1]), axis('fact', [0, 1, 2]), axis('row', [0, 1, 2, 0, 3, -1]), axis('file', [-1])],
      [
        { grain: 'fact', values: Float64Array.of(10.5, 11, 0), valid: Uint8Array.of(1, 1, 0) },
        { grain: 'file', values: Float64Array.of(2025), valid: undefined },
      ],
    ),
  ],
}

/** Two row groups with runs long and short, a chunk that Snappy shrinks, and one without a repeated value. */
export const twoGroups: Partition = {
  columns: [
    { name: 'fact_uid', type: 'string' },
    { name: 'description', type: 'string' },
    { name: 'npi', type: 'string' },
    { name: 'tins', type: 'list' },
  ],
  sources: [
    { from: 'axis', axis: 0, pool: bytesPool(Array.from({ length: 9 }, (_, i) => `fact-${i}`)), valueOf: undefined },
    {
      from: 'axis',
      axis: 0,
      pool: bytesPool(Array.from({ length: 3 }, (_, i) => `${i} office or other outpatient visit, `.repeat(6))),
      valueOf: Int32Array.of(0, 0, 1, 1, 1, 2, 2, 2, 2),
    },
    { from: 'axis', axis: 1, pool: bytesPool(Array.from({ length: 20 }, (_, i) => `1${i}`)), valueOf: undefined },
    {
      from: 'axis',
      axis: 0,
      pool: listPool([['1', '2', '3'], [], [null], ['2']]),
      valueOf: Int32Array.of(0, 0, 1, 2, 3, 0, -1, 3, 3),
    },
  ],
  groups: [
    group(
      [40, 1, 3, 17],
      [
        axis('fact', [0, 1, 2, 3]),
        axis(
          'row',
          Array.from({ length: 61 }, (_, i) => (i * 7) % 20),
        ),
      ],
    ),
    group([1, 1, 1, 1, 1], [axis('fact', [4, 5, 6, 7, 8]), axis('row', [0, -1, 3, 2, 1])]),
  ],
}
