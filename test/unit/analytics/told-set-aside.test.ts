import { describe, expect, it } from 'vitest'
import { toldSetAside } from '../../../src/analytics/told-set-aside.js'
import type { SetAsideChange } from '../../../src/iceberg/set-aside.js'

const IN_FOLDER = { table: 'lake.rates_iceberg', uri: "/lake/o'hare", inGlue: false }
const IN_GLUE = { table: 'lake.rates_iceberg', uri: 's3://bucket/rates/', inGlue: true }
const SNAPSHOT: SetAsideChange = {
  kind: 'snapshot',
  what: 'snapshot 8131190462391447000, operation delete',
  snapshotId: '8131190462391447000',
  operation: 'delete',
  timestampMs: Date.parse('2026-03-01T10:00:00Z'),
}

describe('a change that was set aside', () => {
  it('is told with its snapshot, operation and instant, and with the statements that read it and bring it back', () => {
    expect(toldSetAside([SNAPSHOT], IN_GLUE)).toEqual([
      {
        what: SNAPSHOT.what,
        wayBack: expect.stringMatching(
          /SELECT \* FROM lake\.rates_iceberg FOR VERSION AS OF 8131190462391447000\..* rollback_to_snapshot\(8131190462391447000\)/,
        ),
        snapshotId: '8131190462391447000',
        operation: 'delete',
        at: '2026-03-01T10:00:00.000Z',
      },
    ])
    const [told] = toldSetAside([SNAPSHOT], IN_FOLDER)
    expect(told?.wayBack).toContain("iceberg_scan('/lake/o''hare', snapshot_from_id = 8131190462391447000)")
    expect(told?.wayBack).not.toContain('FOR VERSION')
  })

  it('of another catalog is told with the file that has it, below the root of the table', () => {
    const change: SetAsideChange = { kind: 'catalog', what: 'w', file: '00003-x.metadata.json' }
    expect(toldSetAside([change], IN_GLUE)[0]?.wayBack).toContain('"s3://bucket/rates/metadata/00003-x.metadata.json"')
  })

  it('always has a way back in words', () => {
    for (const kind of ['snapshot', 'columns', 'catalog', 'moved'] as const)
      expect(toldSetAside([{ kind, what: 'w' }], IN_FOLDER)[0]?.wayBack).toMatch(
        /(bring it|bring them) back|go on from it/i,
      )
  })
})
