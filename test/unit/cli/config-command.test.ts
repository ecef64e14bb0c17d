import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { configFile } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

async function call(argv: readonly string[], env: Record<string, string> = {}) {
  const io = new FakeIo(env)
  const code = await main(argv, io, fakeServices(undefined))
  return { code, out: io.stdout.text, err: io.stderr.text }
}

interface Shown {
  readonly values: readonly { readonly key: string; readonly value: unknown; readonly origin: string }[]
}

describe('config show', () => {
  it('prints each value with its origin', async () => {
    const file = configFile('processing: { chunk_size: 5 }\nenvironments:\n  e:\n    logging: { keep: 7 }\n')
    const { code, out } = await call(['config', 'show', '-c', file, '-e', 'e', '--max-workers', '2', '-o', 'json'], {
      ETL3_OUTPUT_URI: 's3://bucket/table/',
    })
    expect(code).toBe(0)
    const shown: Shown = JSON.parse(out)
    const line = (key: string): unknown => shown.values.find((one) => one.key === key)
    expect(line('processing.chunk_size')).toEqual({ key: 'processing.chunk_size', value: 5, origin: `${file}:1:27` })
    expect(line('logging.keep')).toMatchObject({ value: 7, origin: `${file}:4:22 (environment e)` })
    expect(line('output.uri')).toMatchObject({ value: 's3://bucket/table/', origin: 'ETL3_OUTPUT_URI' })
    expect(line('processing.max_workers')).toMatchObject({ value: 2, origin: '--max-workers' })
    expect(line('processing.audit')).toMatchObject({ value: 'sample', origin: 'default' })
  })

  it('prints the same as a table', async () => {
    const file = configFile('processing: { chunk_size: 5 }')
    const { out } = await call(['config', 'show', '-c', file])
    expect(out).toMatch(new RegExp(`^processing\\.chunk_size +5 +\\(${file}:1:27\\)$`, 'm'))
    expect(out).toMatch(/^processing\.audit +sample +\(default\)$/m)
  })

  it('masks secrets, and shows control sequences instead of obeying them', async () => {
    const file = configFile(
      'output: { uri: "https://user:pa55word@host/x" }\ninput: { tables: { dim_npi: "a\\e[31mb" } }\n',
    )
    for (const format of ['text', 'json']) {
      const { out } = await call(['config', 'show', '-c', file, '-o', format])
      expect(out).toContain('https://***@host/x')
      expect(out).not.toContain('pa55word')
      expect(out).not.toContain('\u001B')
    }
  })
})

describe('config schema', () => {
  it('prints config/etl3.schema.json', async () => {
    const { code, out, err } = await call(['config', 'schema'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe(readFileSync('config/etl3.schema.json', 'utf8'))
  })
})
