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
