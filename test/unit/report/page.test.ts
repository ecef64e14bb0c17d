import { describe, expect, it } from 'vitest'
import { CHART_PROCESS_MB, ChartProcess } from '../../../src/report/chart-process.js'
import { chartsOf } from '../../../src/report/charts.js'
import { drawSvg } from '../../../src/report/draw-svg.js'
import { drawing, html, requireShapesOnly } from '../../../src/report/html.js'
import { reportMarkdown } from '../../../src/report/markdown.js'
import { reportPage } from '../../../src/report/page.js'
import type { RunReport } from '../../../src/report/run-report.js'
import { HOSTILE, sampleReport } from './sample-report.js'

async function pageOf(report: RunReport): Promise<string> {
  const charts = chartsOf(report)
  const drawings = new Map<string, string>()
  for (const { id, views } of charts) {
    for (const { name, spec } of views) drawings.set(`${id}-${name}`, await drawSvg(spec))
  }
  return reportPage(report, { charts, drawings })
}

/** Controls but for the line end, and marks that turn text around. */
const CONTROL = /[^\P{Cc}\n]|[\u200E\u200F\u202A-\u202E\u2066-\u2069]/u

const HOSTILE_REPORT = sampleReport(
  { payers: HOSTILE, states: HOSTILE, categories: HOSTILE },
  {
    inputWarnings: [...HOSTILE],
    rules: HOSTILE.map((text) => ({ ...sampleReport().rules[0]!, subject: text, meaning: text, examples: [text] })),
  },
)

describe('the page', () => {
  it('lets no value of the data become markup, a command to a terminal, or turned text', async () => {
    const page = await pageOf(HOSTILE_REPORT)
    // What is left of the markup when texts are taken out: elements and attributes of ours.
    const tags = page.replace(/<style>.*?<\/style>/s, '').match(/<[^>]*>/g) ?? []
    const names = new Set(tags.map((tag) => /^<[/!]?([a-z0-9]+)/i.exec(tag)?.[1]?.toLowerCase()))
    expect(names).not.toContain('script')
    expect(names).not.toContain('img')
    expect(names).not.toContain(undefined)
    expect(tags.filter((tag) => /\son\w+\s*=/i.test(tag.replace(/"[^"]*"/g, '""')))).toEqual([])
    expect(page).not.toMatch(CONTROL)
    expect(page).toContain('\\u202egnirts desrever')
    expect(page).toContain('&lt;script&gt;')
  })

  it('counts what passed and what was skipped apart, in the page as in the text', async () => {
    const [rule] = sampleReport().rules
    const quiet = (outcome: 'passed' | 'skipped') => ({ ...rule!, quarantined: 0, outcome })
    const report = sampleReport(undefined, { rules: [quiet('passed'), quiet('passed'), quiet('skipped')] })
    for (const text of [await pageOf(report), reportMarkdown(report)]) {
      expect(text).toContain('2 of 2 checks passed')
      expect(text).toContain('Other checks: 2 passed, 1 skipped')
    }
    const none = sampleReport(undefined, { rules: [quiet('passed')] })
    expect(reportMarkdown(none)).toContain('Other checks: 1 passed;')
  })

  it('needs nothing but itself: no script, no address to load, and a policy that forbids both', async () => {
    const page = await pageOf(sampleReport())
    expect(page).toContain(
      `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`,
    )
    expect(page).not.toMatch(/<script|<link|<iframe|<object|\ssrc=|@import|url\(/i)
    const addresses = [...page.matchAll(/\b(?:href|xlink:href)="([^"]*)"/g)].map(([, href = '']) => href)
    expect(addresses.filter((href) => !href.startsWith('#'))).toEqual([])
  })

  it('is the same bytes for the same report', async () => {
    expect(await pageOf(sampleReport())).toBe(await pageOf(sampleReport()))
  })

  it('gives every table a caption and scopes, every drawing a title and a description, every id once', async () => {
    const page = await pageOf(sampleReport())
    const count = (pattern: RegExp): number => page.match(pattern)?.length ?? 0
    expect(count(/<table>/g)).toBeGreaterThan(10)
    expect(count(/<caption>[^<]+<\/caption>/g)).toBe(count(/<table>/g))
    expect(count(/<th[ >]/g)).toBe(count(/<th scope="(col|row)"/g))
    expect(count(/<svg /g)).toBeGreaterThan(10)
    expect(
      count(
        /<svg [^>]*role="img" aria-labelledby="[^"]+"><title id="[^"]+">[^<]+<\/title><desc id="[^"]+">[^<]+<\/desc>/g,
      ),
    ).toBe(count(/<svg /g))
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('without drawings shows the figures as tables', () => {
    const report = sampleReport()
    const page = reportPage(report, { charts: chartsOf(report), drawings: undefined })
    expect(page).not.toContain('<svg')
    expect(page).toContain('<caption>Rows by payer</caption>')
  })

  it('says where the analytics table is and how it is read, where there is one, and nothing where there is none', async () => {
    const { result } = sampleReport()
    const committed = {
      bytes: 2_500_000,
      removed: 2,
      snapshotId: '4611686018427387904',
      metadataFile: "/lake/o'hare/metadata/v7.metadata.json",
      at: '2026-03-01T10:00:00.000Z',
    }
    const analytics = {
      table: 'lake.rates_iceberg',
      uri: "/lake/o'hare",
      inGlue: false,
      rows: 10_000,
      files: 7,
      added: 3,
      addedRows: 4_000,
      committed,
    }
    const since = '2026-03-01T10:01:00.000Z'
    const report = sampleReport(undefined, { result: { ...result, analytics }, partitionsSince: since })
    for (const text of [await pageOf(report), reportMarkdown(report)]) {
      expect(text).toContain('Where is the analytics table?')
      for (const told of ['10,000 rows in 7 files', '3 added, 2 removed', committed.snapshotId, committed.at, since]) {
        expect(text).toContain(told)
      }
    }
    expect(reportMarkdown(report)).toContain("`FROM iceberg_scan('/lake/o''hare') LIMIT 10`")
    const inGlue = sampleReport(undefined, { result: { ...result, analytics: { ...analytics, inGlue: true } } })
    expect(reportMarkdown(inGlue)).toContain('SELECT * FROM lake.rates_iceberg')
    for (const text of [await pageOf(sampleReport()), reportMarkdown(sampleReport())]) {
      expect(text).not.toMatch(/analytics/i)
    }
    expect(reportMarkdown(report)).not.toContain('set that aside')
    const setAside = [{ what: 'snapshot 17, operation delete by <b>Trino</b>', wayBack: 'roll back to 17' }]
    const back = { ...result, analytics: { ...analytics, committed: { ...committed, setAside } } }
    const page = await pageOf(sampleReport(undefined, { result: back }))
    for (const text of [page, reportMarkdown(sampleReport(undefined, { result: back }))]) {
      expect(text).toContain('set that aside')
      expect(text).toContain('snapshot 17, operation delete')
      expect(text).toContain('roll back to 17')
      expect(text).not.toContain('<b>Trino')
    }
  })

  it('of a table without rows is whole as well', async () => {
    const { contents, placement, changes } = sampleReport()
    const nothing = { entries: [], others: { values: 0, rows: 0 } }
    const moved = { partitions: 0, rowsBefore: 0, rowsAfter: 0 }
    const page = await pageOf(
      sampleReport(undefined, {
        previous: null,
        contents: {
          byPayer: nothing,
          byState: nothing,
          byCategory: nothing,
          rates: { ...contents.rates, dollars: contents.rates.unknown, percentages: contents.rates.unknown },
          medicare: { rows: 0, above: 0, ratios: null, bins: [] },
        },
        placement: { ...placement, partitions: 0, rows: null, bytes: null, histogram: [], largest: [], smallest: [] },
        changes: {
          ...changes,
          added: moved,
          replaced: moved,
          kept: moved,
          removed: moved,
          byPayer: null,
          byState: null,
        },
      }),
    )
    expect(page).toContain('There is no partition.')
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
  })
})

describe('report.md', () => {
  it('keeps values of the data within their cells, and away from terminals', () => {
    const markdown = reportMarkdown(HOSTILE_REPORT)
    expect(markdown).not.toMatch(CONTROL)
    // In a code span nothing is markup.
    expect(markdown.replace(/`[^`\n]*`/g, '')).not.toMatch(/(?<!\\)<(?:script|img)/)
    expect(markdown.split('\n').filter((line) => line.startsWith('# '))).toEqual(['# Run a1b2c3d4e5f60718: published'])
    const rules = markdown.split('\n').filter((line) => line.includes('rate\\_range'))
    for (const line of rules) expect(line.match(/(?<!\\)\|/g)).toHaveLength(7)
  })

  it('never mixes percentages with dollars', () => {
    const markdown = reportMarkdown(sampleReport())
    expect(markdown).toContain('Rates in dollars (9,000 rows): median $140.50')
    expect(markdown).toContain('Rates in percent (900 rows): median 45 %')
  })
})

describe('a drawing', () => {
  const words = { id: 'x', title: 't', description: 'd', className: 'any' }

  it.each([
    ['<svg viewBox="0 0 1 1"><script>1</script></svg>', "'script'"],
    ['<svg viewBox="0 0 1 1"><foreignObject/></svg>', "'foreignObject'"],
    ['<svg viewBox="0 0 1 1"><g onclick="1"/></svg>', "'onclick'"],
    ['<svg viewBox="0 0 1 1"><path xlink:href="http://a"/></svg>', "'xlink:href'"],
    ['<svg viewBox="0 0 1 1"><g style="fill:url(http://a)"/></svg>', "'style'"],
    ['<svg><g/></svg>', 'viewBox'],
  ])('that holds more than shapes and text is refused: %s', (svg, why) => {
    expect(() => requireShapesOnly(svg)).toThrow(why)
    expect(() => drawing(svg, words)).toThrow(why)
  })

  it('comes from a process of its own, the same as in this one, and says what that took', async () => {
    const charts = chartsOf(HOSTILE_REPORT)
    const { drawings, peakBytes } = await new ChartProcess(new AbortController().signal).draw(charts)
    for (const { id, views } of charts) {
      for (const { name, spec } of views) expect(drawings.get(`${id}-${name}`)).toBe(await drawSvg(spec))
    }
    expect(peakBytes).toBeGreaterThan(40 * 1024 * 1024)
    expect(peakBytes).toBeLessThan(CHART_PROCESS_MB * 1024 * 1024)
  })

  it('that cannot be made is an error with the words of the process', async () => {
    await expect(new ChartProcess(new AbortController().signal, '/nowhere/draw.js').draw([])).rejects.toThrow(
      '/nowhere/draw.js',
    )
  })
})

describe('markup', () => {
  it('escapes what stands in text and in quoted attributes', () => {
    expect(html`<p title="${'"\'<&>'}">${'<b>'}${[1, html`<i>x</i>`]}${undefined}</p>`.text).toBe(
      '<p title="&quot;&#39;&lt;&amp;&gt;">&lt;b&gt;1<i>x</i></p>',
    )
  })
})
