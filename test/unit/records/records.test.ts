import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FolderStore } from '../../../src/lake/folder/store.js'
import { readCurrent } from '../../../src/records/current.js'
import { RunRecords } from '../../../src/records/records.js'
import { parseUnitRecord } from '../../../src/records/unit.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

describe('a record that cannot be read', () => {
  const DAMAGED = [
    ['is cut short', '{"formatVersion": 1, "uni'],
    ['is empty', ''],
    ['is another record', '{"formatVersion": 3}'],
  ] as const

  it.each(DAMAGED)('because it %s is named, of a run as well as the current one', async (_, text) => {
    const root = lakeFolder()
    const store = new FolderStore(root)
    const records = new RunRecords(store, 'r1')
    await records.save('units/0.json', {}, GO_ON)
    const places = [join(root, 'runs/r1/units/0.json'), join(root, 'current.json')]
    for (const place of places) writeFileSync(place, text)
    for (const [i, reading] of [
      records.find('units/0.json', parseUnitRecord, GO_ON),
      readCurrent(store, GO_ON),
    ].entries()) {
      await expect(reading).rejects.toMatchObject({
        kind: 'IntegrityError',
        code: 'ETL3-RN-03',
        message: expect.stringContaining(`[record=${places[i]}]`),
        cause: expect.any(Error),
      })
    }
  })

  it('is none where there is none', async () => {
    const store = new FolderStore(lakeFolder())
    expect(await new RunRecords(store, 'r1').find('units/0.json', parseUnitRecord, GO_ON)).toBeUndefined()
    expect(await readCurrent(store, GO_ON)).toBeUndefined()
  })
})
