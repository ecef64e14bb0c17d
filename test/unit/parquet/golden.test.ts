import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createPartitionEncoder } from '../../../src/parquet/encoder.js'
import { columnOf, encodeAll, type Partition, rowsOf } from './partition.js'
import { exactRows, readWithHyparquet } from './readers.js'
import { everyType, twoGroups } from './stars.js'

const METADATA = [
  ['etl3.engine', '0.1.0'],
  ['etl3.fingerprint', '0123456789abcdef'],
] as const

const GOLDEN: Readonly<Record<string, Partition>> = {
  'every-type': everyType,
  'two-groups': twoGroups,
  'one-row': columnOf('string', ['only']),
  nulls: columnOf('list', [null, null, null]),
}

// A changed byte means that every partition of every lake is written again once. If that is meant:
// UPDATE_GOLDEN=1 npx vitest run test/unit/parquet/golden.test.ts
const UPDATE = process.env['UPDATE_GOLDEN'] === '1'

describe('golden files', () => {
  for (const [name, partition] of Object.entries(GOLDEN)) {
    const path = new URL(`golden/${name}.parquet`, import.meta.url)

    it(`${name}: every byte is the one that was agreed on`, async () => {
      const file = encodeAll(createPartitionEncoder(partition.columns), partition, METADATA)
      if (UPDATE) await writeFile(path, file)
      expect(file.toString('hex')).toBe((await readFile(path)).toString('hex'))
    })

    it(`${name}: the agreed bytes hold the agreed rows`, async () => {
      expect(exactRows(await readWithHyparquet(await readFile(path)))).toEqual(exactRows(rowsOf(partition)))
    })
  }
})
