import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { explorePage } from '../../../src/explore/explore-page.js'
import type { PageData, RateGroups } from '../../../src/explore/page-data.js'
import { encodePartitionValue } from '../../../src/lake/keys.js'
import { valueLabel } from '../../../src/report/value-label.js'
import { INVISIBLE_RANGES } from '../../../src/runtime/plain-text.js'
import { type Look, withPage } from '../report/browser.js'
import { textsOfLowContrast } from '../report/low-contrast.js'
import { HOSTILE } from '../report/sample-report.js'

const LOOKS: readonly Look[] = [
  { width: 1280, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
]

/** One of each that nobody sees, and what turns text around. */
const UNSEEN = `a\0b\nc\td\u007f${INVISIBLE_RANGES.map(([first]) => String.fromCodePoint(first)).join('e')}\u2028z`

const PAYERS: readonly (string | null)[] = [...HOSTILE, UNSEEN, 'blue-prairie', '', null]
const STATES = ['MN', 'TX', null]

/** Codes 0, 1 and 2: each payer pays for them in each state, and of code 2 there are no rates by state. */
function sampleData(): PageData {
  const codes = [HOSTILE[0], '99213', '99214']
  const groups = (each: number, codesWith: number): RateGroups => {
    const size = each * codesWith
    const list = <T>(of: (i: number) => T): T[] => Array.from({ length: size }, (_, i) => of(i))
    return {
      from: Array.from({ length: codesWith + 1 }, (_, code) => code * each),
      payer: list((i) => Math.floor((i % each) / (each / PAYERS.length))),
      billingClass: list(() => 0),
      unit: list((i) => (i % 5 === 4 ? 1 : 0)),
      facts: list((i) => i + 1),
      rows: list((i) => 1000 * (i + 1)),
      min: list((i) => (i === 0 ? null : 0.5)),
      p25: list(() => 10),
      median: list((i) => 100 + i),
      p75: list(() => 1234.5),
      max: list(() => 99999),
      ratio: list((i) => (i % 2 === 0 ? null : 1.2345)),
    }
  }
  const byState = groups(PAYERS.length * STATES.length, 2)
  return {
    run: 'a1b2c3d4e5f60718',
    root: `/lake/${HOSTILE[1]}`,
    database: 'lake"base',
    table: 'fact_rate_enriched',
    queryCommand: 'npx etl3 query',
    ratesInCatalog: true,
    partitions: {
      columns: [
        { name: 'payer_slug', folder: 'payer_slug' },
        { name: 'state', folder: 'state' },
      ],
      values: [PAYERS, STATES],
      segments: [PAYERS, STATES].map((values) => values.map(encodePartitionValue)),
      numbers: [PAYERS.map((_, i) => i), PAYERS.map((_, i) => i % STATES.length)],
      rows: PAYERS.map((_, i) => 100 - i),
      facts: PAYERS.map(() => 7),
      bytes: PAYERS.map(() => 12_345),
      file: 'fact_rate_enriched.parquet',
      left: { partitions: 12, rows: 3456 },
    },
    rates: {
      codeType: ['CPT', 'CPT', null],
      code: codes,
      name: [UNSEEN, 'Office visit', HOSTILE[5]],
      facts: [30, 20, 10],
      payers: PAYERS,
      states: STATES,
      classes: [HOSTILE[2]],
      units: ['dollars', 'percent'],
      byPayer: groups(PAYERS.length, 3),
      byState: { ...byState, state: byState.payer.map((_, i) => i % STATES.length) },
      left: { codes: 4, codesByState: 1 },
      uri: '/lake/etl3/runs/a1b2c3d4e5f60718/rates.parquet',
    },
  }
}

const TITLE = { table: `base.${HOSTILE[0]}`, rows: 1, bytes: 2, finishedAt: '2026-08-01T00:00:00Z', version: '0' }
const HTML = explorePage(sampleData(), TITLE)

describe('the page of explore in a browser', { timeout: 180_000 }, () => {
  for (const look of LOOKS) {
    it(`is quiet, fits and can be read at ${look.width} pixels, ${look.colorScheme}, whatever the data hold`, async () => {
      await withPage(HTML, look, async ({ page, complaints, requests }) => {
        await expectReadable(page, look)
        for (const list of ['codes', 'partitions']) {
          await page.locator(`#${list}-list button`).first().click()
          expect(await page.locator('#detail').isVisible()).toBe(true)
          await expectReadable(page, look)
        }
        // Nothing of the data became an element.
        expect(await page.evaluate('[document.images.length, document.scripts.length]')).toEqual([0, 2])
        expect(await page.title()).toContain('explore run a1b2c3d4e5f60718')
        expect(complaints).toEqual([])
        expect(requests).toEqual(['the page'])
      })
    })
  }

  it('lets nothing run and asks nothing of a network, even where a script is put into it', async () => {
    await withPage(HTML, LOOKS[0]!, async ({ page, complaints }) => {
      const outcome = await page.evaluate(`(async () => {
        const script = document.createElement('script')
        script.textContent = 'window.taken = true'
        document.body.append(script)
        const image = document.createElement('img')
        image.src = 'http://127.0.0.1:9/'
        document.body.append(image)
        const asked = await fetch('http://127.0.0.1:9/').then(() => 'answered', (error) => error.name)
        return [window.taken ?? 'not taken', asked]
      })()`)
      expect(outcome).toEqual(['not taken', 'TypeError'])
      for (const what of [/inline script/, /image/, /connecting/i])
        expect(complaints.filter((text) => text.includes('Content Security Policy')).join('\n')).toMatch(what)
    })
  })

  it('shows values as the report does', async () => {
    await withPage(HTML, LOOKS[0]!, async ({ page }) => {
      await page.locator('#codes-list button').nth(1).click()
      const options = await page.locator('#payer option').allTextContents()
      expect(options.slice(1).toSorted()).toEqual(PAYERS.map(valueLabel).toSorted())
      expect(await page.locator('#detail-heading').textContent()).toBe('CPT 99213: Office visit')
    })
  })

  it('says what it leaves out', async () => {
    await withPage(HTML, LOOKS[0]!, async ({ page }) => {
      const about = await page.locator('#about li').allTextContents()
      expect(about).toHaveLength(4)
      expect(about[0]).toMatch(/^The 12 partitions with the most rows\. Left out: 12 smaller ones with 3,456 rows/)
      expect(about[1]).toBe('The rates of the 3 codes with the most facts. Left out: 4 codes.')
      expect(about[2]).toMatch(/^Rates by state of 2 of them/)
      await page.locator('#codes-list button').nth(2).click()
      expect(await page.locator('#state option').allTextContents()).toEqual(['All states together'])
    })
  })

  it('is used with the keyboard alone', async () => {
    await withPage(HTML, LOOKS[0]!, async ({ page }) => {
      expect(await focused(page)).toBe('words')
      await page.keyboard.type('office visit')
      expect(await page.locator('#status').textContent()).toBe('1 code and 0 partitions found.')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      expect(await focused(page)).toBe('detail-heading')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      expect(await focused(page)).toBe('state')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowDown')
      const rows = page.locator('#detail tbody tr')
      expect(await rows.count()).toBe(PAYERS.length)
      expect(await rows.locator('td:nth-child(2)').allTextContents()).toEqual(PAYERS.map(() => '(none)'))
      await page.keyboard.press('Escape')
      expect(await focused(page)).toMatch(/^CPT 99213/)
      await page.keyboard.press('ArrowUp')
      expect(await focused(page)).toBe('words')
      await page.keyboard.press('Escape')
      expect(await page.locator('#status').textContent()).toBe('3 codes and 12 partitions found.')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('End')
      await page.keyboard.press('Enter')
      expect(await page.locator('#detail-heading').textContent()).toBe('Partition')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Home')
      expect(await focused(page)).toContain('30 facts')
      await page.keyboard.press('Escape')
      expect(await focused(page)).toBe('words')
    })
  })

  it('copies the text that it shows', async () => {
    await withPage(HTML, LOOKS[0]!, async ({ page }) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.fill('#words', 'state= mouseover')
      await page.locator('#partitions-list button').first().click()
      for (const line of await page.locator('.copies > div').all()) {
        await line.locator('button').click()
        await line.getByText('Copied').waitFor()
        const copied = await page.evaluate('navigator.clipboard.readText()')
        expect(copied).toBe(await line.locator('pre').textContent())
      }
      const texts = await page.locator('.copies pre').allTextContents()
      expect(texts).toEqual([
        `/lake/${HOSTILE[1]}/payer_slug=%27 onmouseover%3D%27alert(1)/state=__NULL__/fact_rate_enriched.parquet`,
        `SELECT * FROM fact_rate_enriched WHERE payer_slug = ''' onmouseover=''alert(1)' AND state IS NULL`,
        `npx etl3 query 'SELECT * FROM fact_rate_enriched WHERE payer_slug = '\\'''\\'''\\'' onmouseover='\\'''\\''alert(1)'\\'' AND state IS NULL'`,
        `SELECT * FROM "lake""base"."fact_rate_enriched" WHERE payer_slug = ''' onmouseover=''alert(1)' AND state IS NULL`,
      ])
    })
  })
})

async function expectReadable(page: Page, { width }: Look): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
  expect(await textsOfLowContrast(page)).toEqual([])
}

/** The focused element: its id, else its text. */
async function focused(page: Page): Promise<string> {
  return String(await page.evaluate('document.activeElement.id || document.activeElement.textContent'))
}
