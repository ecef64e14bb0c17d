import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Engine, withEngine } from '../../../src/engine/engine.js'
import { partitionKey } from '../../../src/lake/keys.js'
import { refuseSharedPlaces } from '../../../src/plan/shared-places.js'
import { anyText } from '../../stars/any-text.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

const COLUMNS = ['state', 'area']
type Values = readonly [string, string]

/** How file systems compare names: as they are, without case, without spelling, without what is at their end. */
const DISKS: Readonly<Record<string, (name: string) => string>> = {
  exact: (name) => name,
  caseless: (name) => name.toLowerCase(),
  normalising: (name) => name.normalize('NFD'),
  'like that of macOS': (name) => name.normalize('NFD').toLowerCase().normalize('NFD'),
  'like that of Windows': (name) => name.toUpperCase().replace(/[. ]+$/, ''),
}

/** So that each of the disks meets both kinds of plans. */
const EXAMPLES: [string, string][][] = [
  [
    ['TX', 'a'],
    ['MN', 'a'],
  ],
  [
    ['TX', 'a'],
    ['tx', 'b'],
  ],
  [
    ['TX', '\u00e9'],
    ['TX', 'e\u0301'],
  ],
]

async function refusal(
  engine: Engine,
  disk: (name: string) => string,
  planned: readonly Values[],
  observed: readonly Values[] = [],
): Promise<string> {
  const rows = planned.map((values, i): (string | number)[] => [i, 0, i, partitionKey(COLUMNS, values), ...values])
  await engine.run(
    'CREATE OR REPLACE TABLE inventory (ordinal INTEGER, slice_id INTEGER, cell_id INTEGER, key VARCHAR, state VARCHAR, area VARCHAR)',
  )
  await engine.run('CREATE OR REPLACE TABLE observed (key VARCHAR)')
  await engine.append('inventory', rows)
  await engine.append(
    'observed',
    observed.map((values) => [partitionKey(COLUMNS, values)]),
  )
  const values = { columns: 'i.state, i.area', joins: '' }
  const tellsApart = async (first: string, second: string): Promise<boolean> => disk(first) !== disk(second)
  return await refuseSharedPlaces({ engine, partitionColumns: COLUMNS, values, tellsApart }).then(
    () => '',
    (error: Error) => error.message,
  )
}

async function inEngine(act: (engine: Engine) => Promise<void>): Promise<void> {
  await withEngine({ memoryLimitMb: 128, threads: 1, scratch: lakeFolder() }, GO_ON, act)
}

/** Whether two of the folders on the ways to the partitions are one on the disk. */
function share(disk: (name: string) => string, all: readonly Values[]): boolean {
  const folders = new Set(
    all.flatMap((v) => [1, 2].map((n) => partitionKey(COLUMNS, v).split('/').slice(0, n).join('/'))),
  )
  const places = new Set(Array.from(folders, (folder) => folder.split('/').map(disk).join('/')))
  return places.size < folders.size
}

describe('a plan whose partitions would share a place', () => {
  it.each(Object.entries(DISKS))('is refused on a disk that is %s, and no other plan is', async (_, disk) => {
    const near = fc.constantFrom('TX', 'tx', 'TX.', 'TX ', '\u00e9', 'e\u0301')
    const far = fc.constantFrom('Tx', '\ufeffTX', 'É', '', 'ß', 'ss')
    const text = fc.oneof(
      { weight: 12, arbitrary: near },
      { weight: 1, arbitrary: far },
      { weight: 1, arbitrary: anyText() },
    )
    const values = fc.uniqueArray(fc.tuple(text, text), {
      maxLength: 6,
      size: 'max',
      selector: (v) => JSON.stringify(v),
    })
    let refused = 0
    let kept = 0
    await inEngine(async (engine) => {
      await fc.assert(
        fc.asyncProperty(values, fc.nat(5), async (all, published) => {
          const [planned, observed] = [all.slice(published), all.slice(0, published)]
          const due = share(disk, all)
          expect((await refusal(engine, disk, planned, observed)) !== '').toBe(due)
          if (due) refused += 1
          else kept += 1
        }),
        { numRuns: 60, examples: EXAMPLES.map((all) => [all, 1]) },
      )
    })
    expect(kept).toBeGreaterThan(0)
    if (disk === DISKS['exact']) expect(refused).toBe(0)
    else expect(refused).toBeGreaterThan(0)
  })

  it('is told with both values, which can be told apart', async () => {
    const { caseless = String, normalising = String } = DISKS
    await inEngine(async (engine) => {
      expect(
        await refusal(engine, caseless, [
          ['TX', 'a'],
          ['MN', 'a'],
          ['tx', 'b'],
        ]),
      ).toBe("two partitions would share one place: the values 'TX' and 'tx' of state are one folder on this disk")
      expect(
        await refusal(engine, normalising, [
          ['TX', 'Caf\u00e9'],
          ['TX', 'Cafe\u0301'],
        ]),
      ).toBe(
        "two partitions would share one place: the values 'Cafe\\u{301}' and 'Caf\\u{e9}' of area are one folder on this disk",
      )
    })
  })

  it('is refused for two partitions of one key on every disk, whatever has made them', async () => {
    await inEngine(async (engine) => {
      await refusal(engine, String, [['TX', 'a']])
      const key = partitionKey(COLUMNS, ['TX', 'a'])
      await engine.append('inventory', [[1, 0, 1, key, '\ufeffTX', 'a']])
      const values = { columns: 'i.state, i.area', joins: '' }
      const refusing = refuseSharedPlaces({ engine, partitionColumns: COLUMNS, values, tellsApart: async () => true })
      await expect(refusing).rejects.toThrow(
        /have the key 'state=TX\/area=a\/.*': the values 'TX' and '\\ufeffTX' of state/,
      )
    })
  })
})
