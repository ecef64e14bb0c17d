import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const CODE = /\bETL3-[A-Z]{2}-\d{2}\b/g

/** Every code that stands in the source. */
function codesOfSource(): string[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return [...new Set(files.flatMap((name) => readFileSync(join('src', name), 'utf8').match(CODE) ?? []))].sort()
}

/** The rows of docs/errors.md, cell by cell. */
function documented(): { readonly code: string; readonly cells: readonly string[] }[] {
  return readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `ETL3-'))
    .map((line) => {
      const cells = line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim())
      return { code: (cells[0] ?? '').replaceAll('`', ''), cells }
    })
}

describe('docs/errors.md', () => {
  it('lists every code of the source, and no other', () => {
    expect(
      documented()
        .map(({ code }) => code)
        .toSorted(),
    ).toEqual(codesOfSource())
  })

  it('says of each code its exit code, what it means, why it comes and what mends it', () => {
    for (const { code, cells } of documented()) {
      expect([code, cells.length]).toEqual([code, 5])
      expect(cells[1]).toMatch(/^[1-7](, [1-7])?$/)
      for (const cell of cells.slice(2)) expect(cell).toMatch(/\w{3,}/)
    }
  })
})
