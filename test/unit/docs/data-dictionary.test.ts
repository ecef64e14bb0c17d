import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dictionaryMarkdown } from '../../../src/report/dictionary-markdown.js'

describe('docs/data-dictionary.md', () => {
  it('is what the dictionary and the input contract say now', async () => {
    await expect(dictionaryMarkdown()).toMatchFileSnapshot('../../../docs/data-dictionary.md')
  })

  it('says type, side and source of a column as the design does', () => {
    const page = readFileSync('docs/data-dictionary.md', 'utf8')
    const row = (name: string): string[] => {
      const line = page.split('\n').find((text) => text.includes(`| \`${name}\` |`)) ?? ''
      return line
        .split('|')
        .slice(2, -2)
        .map((cell) => cell.trim())
    }
    expect(row('stat_area_name')).toEqual([
      '`stat_area_name`',
      'string',
      'cell',
      '`dim_npi_address_geolocation.stat_area_name`',
    ])
    expect(row('payer_slug')).toEqual(['`payer_slug`', 'string', 'slice', '`fact_rate.payer_slug`'])
    expect(row('negotiated_rate')).toEqual(['`negotiated_rate`', 'double', 'no', '`fact_rate.negotiated_rate`'])
    expect(row('tin_values')).toEqual(['`tin_values`', 'list of strings', 'no', '`xref_pg_member_tin.tin_value`'])
  })

  it('has tables whose rows all have as many cells as their head', () => {
    let cells = 0
    for (const line of dictionaryMarkdown().split('\n')) {
      if (!line.startsWith('|')) cells = 0
      else {
        const found = line.split(/(?<!\\)\|/).length
        expect(found).toBe(cells === 0 ? found : cells)
        cells = found
      }
    }
  })
})
