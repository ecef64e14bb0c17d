import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { differenceOf, requestOf } from '../../../src/cli/runs/run-request.js'
import type { RunRequest } from '../../../src/cli/runs/runs.js'
import { loadConfig } from '../../../src/config/load.js'

function asked(config: object): RunRequest {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-request-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'etl3.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config))
  return requestOf(loadConfig({ file, env: {} }), 'run')
}

const PLACES = {
  input: { root: '/in/star' },
  output: { uri: '/out/table', metadata_uri: '/out/etl3' },
  processing: { scratch: '/scratch' },
}

describe('what a run was asked for, as Temporal’s Web UI shows it', () => {
  it('is where it works, and what is not as it is built in: no screen of settings', () => {
    const plain = Object.keys(asked(PLACES).settings)
    expect(plain).toEqual(expect.arrayContaining(['input.root', 'output.uri', 'output.metadata_uri']))
    expect(plain.length).toBeLessThan(8)
    const { settings } = asked({
      ...PLACES,
      processing: { ...PLACES.processing, row_group_rows: 5000, chunk_size: 1000 },
    })
    expect(settings['processing.row_group_rows']).toBe('5000')
    expect(settings).not.toHaveProperty(['processing.chunk_size'])
  })

  it('is compared setting by setting, those that are built in included', () => {
    const plain = asked(PLACES)
    const other = asked({ ...PLACES, processing: { ...PLACES.processing, row_group_rows: 5000, chunk_size: 7 } })
    expect(differenceOf(plain, plain)).toEqual({ work: [], way: [] })
    expect(differenceOf(plain, other)).toEqual({
      work: ['processing.row_group_rows is 5000 there, 131072 here'],
      way: ['processing.chunk_size is 7 there, 1000 here'],
    })
  })

  it('is the same as of a run that an older version started, which told every setting', () => {
    const plain = asked(PLACES)
    const older = { ...plain, settings: { ...plain.settings, 'processing.row_group_rows': '131072' } }
    expect(differenceOf(plain, older)).toEqual({ work: [], way: [] })
    expect(differenceOf(older, plain)).toEqual({ work: [], way: [] })
  })
})
