import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** The median of a figure in the table that `npm run bench` writes. */
function benched(figure: string): string {
  const row = readFileSync('bench/README.md', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`| ${figure}`))
  return row?.split('|')[2]?.trim() ?? 'no such row'
}

describe('the figure of two workers', () => {
  it.each(['README.md', 'docs/performance.md'])('in %s is that of the bench', (page) => {
    const text = readFileSync(page, 'utf8').replaceAll('\n', ' ')
    const [sentence = ''] = /on two cores, two workers took [^:;]*?(?:\. |,)/i.exec(text) ?? []
    expect(sentence.match(/0\.\d+/g)).toEqual([benched('two workers ÷ one worker, wall time of the run')])
  })
})

describe('the figures that say in README.md whom ETL3 is for', () => {
  const [, section = ''] = readFileSync('README.md', 'utf8').split('## Is it for you?')
  const text = (section.split(/^## /m)[0] ?? '').replace(/\s+/g, ' ')

  it('have that of the bench beside COPY', () => {
    expect(/takes \[([\d.]+) times\]/.exec(text)?.[1]).toBe(benched('whole `run` ÷ COPY to one file'))
  })

  it('stand in the page on performance, or among the figures of the bench', () => {
    const known = ['docs/performance.md', 'bench/README.md'].map((page) => readFileSync(page, 'utf8')).join(' ')
    const stand = new Set(known.match(/\d[\d,.]*\d/g))
    const figures = [...text.matchAll(/(\d[\d,.]*\d) (?:to|MB|GB|million|partitions|s )/g)].map(([, figure]) => figure)
    expect(figures.length).toBeGreaterThan(8)
    // How much disk to plan for is said further down.
    expect(figures.filter((figure) => figure !== '25' && !stand.has(figure ?? ''))).toEqual([])
  })
})
