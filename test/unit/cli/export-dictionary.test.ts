import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

async function exported(...flags: string[]): Promise<string> {
  const io = new FakeIo()
  expect(await main(['export-dictionary', ...flags], io, fakeServices(undefined))).toBe(0)
  return io.stdout.text
}

/** Names of the columns in docs/data-dictionary.md, which is checked against the table elsewhere. */
function documented(): string[] {
  const page = readFileSync('docs/data-dictionary.md', 'utf8')
  return [...page.matchAll(/^\| \d+ \| `(\w+)` \|/gm)].map(([, name = '']) => name)
}

describe('export-dictionary', () => {
  it('lists its formats line by line in the help', async () => {
    expect(await exported('--help')).toMatch(/^ {2}json {6}an array of columns$/m)
  })

  it('prints the page of the documentation', async () => {
    expect(await exported()).toBe(readFileSync('docs/data-dictionary.md', 'utf8'))
  })

  it('prints every column in file order as JSON, with -o json too', async () => {
    const columns: { name: string; partition: string | null; meaning: string }[] = JSON.parse(
      await exported('--format', 'json'),
    )
    expect(columns.map(({ name }) => name)).toEqual(documented())
    expect(columns.find(({ name }) => name === 'state')).toMatchObject({ type: 'string', partition: 'cell' })
    expect(columns.find(({ name }) => name === 'fact_uid')?.partition).toBeNull()
    expect(await exported('-o', 'json')).toBe(await exported('--format', 'json'))
  })

  it('prints columns as the API of Glue takes them', async () => {
    const columns: { Name: string; Type: string; Comment: string }[] = JSON.parse(await exported('--format', 'glue'))
    expect(columns.map(({ Name }) => Name)).toEqual(documented())
    for (const { Type, Comment } of columns) {
      expect(['string', 'double', 'boolean', 'int', 'date', 'array<string>']).toContain(Type)
      // AWS Glue API reference, Column: Comment is a string of at most 255 bytes without line breaks.
      expect(Comment).toMatch(/^[^\r\n]{10,}$/)
      expect(Buffer.byteLength(Comment)).toBeLessThanOrEqual(255)
    }
  })
})
