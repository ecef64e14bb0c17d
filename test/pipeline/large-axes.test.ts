import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { writeDemoStar } from '../../src/demo/write-star.js'
import { readTree } from '../check-star/tree.js'
import { DEFAULT_OPTIONS } from '../oracle/oracle-table.js'
import { type InProcessInput, runInProcess } from './run-in-process.js'

const root = mkdtempSync(join(tmpdir(), 'etl3-large-axes-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('the bytes of a table do not depend on how many attributes, codes and groups are in memory at once', async () => {
  const star = await writeDemoStar({ out: join(root, 'star'), facts: 600, seed: 5 })
  const run = async (name: string, most: Pick<InProcessInput, 'entriesAtOnce' | 'heldEntries'>): Promise<unknown> => {
    const out = join(root, name)
    await runInProcess({
      star: star.root,
      facts: star.factGlob,
      partitionColumns: DEFAULT_OPTIONS.partitionColumns,
      out,
      scratch: join(root, `${name}-scratch`),
      ...most,
    })
    return readTree(out)
  }
  const due = await run('whole', {})
  expect(await run('parts', { entriesAtOnce: 20, heldEntries: 0 })).toEqual(due)
})
