/** What the audits compare with is computed beside the writing where there is room, and else by the audit. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SILENT_LOGGER } from '../../src/runtime/logging.js'
import { MemoryGuard } from '../../src/runtime/worker/memory-guard.js'
import { MemorySampler } from '../../src/runtime/worker/memory-sampler.js'
import { severalFilesStar } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { Lake } from './in-process-run.js'

const LIMIT_MB = 1_000_000

let root: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-due-rows-'))
  await writeStar(join(root, 'star'), severalFilesStar())
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A guard of a process that has this share of its limit in use. */
function guardAt(share: number): MemoryGuard {
  const bytes = (): number => share * LIMIT_MB * 1024 * 1024
  const sampler = new MemorySampler({ probe: { residentBytes: bytes, highestBytes: bytes } })
  return new MemoryGuard({ limitMb: LIMIT_MB, sampler, log: SILENT_LOGGER })
}

it('what is due is the same, whether the memory left room for it beside the writing or not', async () => {
  const due: string[] = []
  for (const [name, share] of [
    ['roomy', 0.5],
    ['tight', 0.8],
  ] as const) {
    const lake = new Lake(join(root, name))
    lake.configure({ star: join(root, 'star'), analytics: { enabled: true } })
    const run = await lake.open('first', { memory: guardAt(share) })
    const record = lake.recordPath(run.run.runId, 'staged/due/0.json')
    for await (const step of run.steps()) {
      if (step === 'writeAnalytics') expect(existsSync(record)).toBe(name === 'roomy')
      if (step === 'auditAnalytics') due.push(readFileSync(record, 'utf8'))
    }
  }
  expect(due).toHaveLength(2)
  expect(due[0]).toBe(due[1])
  expect(due[0]).toContain('"checksum"')
})

it.each([
  [
    'was computed wrongly',
    (text: string) => text.replace(/"checksum": "(\d)/, (_, digit) => `"checksum": "${(Number(digit) % 9) + 1}`),
  ],
  ['cannot be read', (text: string) => text.slice(0, -10)],
  ['is none', (text: string) => text.replace(/"checksum": "\d+"/, '"checksum": "many"')],
])('what is due is joined again where what was computed before %s', async (_, spoil) => {
  const lake = new Lake(mkdtempSync(join(root, 'spoilt-')))
  lake.configure({ star: join(root, 'star'), analytics: { enabled: true } })
  const run = await lake.open('first', { memory: guardAt(0.5) })
  const record = lake.recordPath(run.run.runId, 'staged/due/0.json')
  let right = ''
  for await (const step of run.steps()) {
    if (step === 'writeAnalytics') right = readFileSync(record, 'utf8')
    if (step === 'auditAnalytics' || step === 'balanceLedger') expect(readFileSync(record, 'utf8')).toBe(right)
    if (step === 'auditObjects' || step === 'auditAnalytics') {
      expect(spoil(right)).not.toBe(right)
      writeFileSync(record, spoil(right))
    }
  }
  expect(right).toContain('"checksum"')
})
