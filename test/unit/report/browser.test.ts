import { readFileSync, writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { chartsOf } from '../../../src/report/charts.js'
import { drawSvg } from '../../../src/report/draw-svg.js'
import { reportPage } from '../../../src/report/page.js'
import { type Look, withPage } from './browser.js'
import { textsOfLowContrast } from './low-contrast.js'
import { HOSTILE, sampleReport } from './sample-report.js'

const LOOKS: readonly Look[] = [
  { width: 1280, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
]

let html: string

beforeAll(async () => {
  const report = sampleReport({ payers: [...HOSTILE, 'blue-prairie'], states: ['TX', null], categories: HOSTILE })
  const charts = chartsOf(report)
  const drawings = new Map<string, string>()
  for (const { id, views } of charts) {
    for (const { name, spec } of views) drawings.set(`${id}-${name}`, await drawSvg(spec))
  }
  html = reportPage(report, { charts, drawings })
})

describe('the report in a browser', { timeout: 180_000 }, () => {
  for (const look of LOOKS) {
    it(`is quiet, fits and can be read at ${look.width} pixels, ${look.colorScheme}`, async () => {
      await withPage(html, look, async ({ page, complaints, requests }) => {
        expect(complaints).toEqual([])
        expect(requests).toEqual(['the page'])
        expect(await page.title()).toBe('healthcare_data_lake.fact_rate_enriched: run a1b2c3d4e5f60718')
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.width)
        expect(await page.evaluate('[...document.images, ...document.scripts].length')).toBe(0)
        // One view of each chart, the one that fits.
        expect(await page.locator('figure svg:visible').count()).toBe(await page.locator('figure').count())
        expect(await textsOfLowContrast(page)).toEqual([])
        expect(await landmarks(page)).toEqual({ main: 1, navigation: 1, h1: 1, h2: 8 })
      })
    })
  }

  it.each([1280, 1100])('has no table that is cut at %i pixels', async (width) => {
    await withPage(html, { width, colorScheme: 'light' }, async ({ page }) => {
      expect(await tablesBeyondTheirRegion(page)).toEqual([])
    })
  })

  it('shows at 390 pixels that a table goes on, by a shadow that goes with its end', async () => {
    await withPage(html, LOOKS[1]!, async ({ page }) => {
      expect(await tablesBeyondTheirRegion(page)).not.toEqual([])
      const layers = await page.evaluate(`(() => {
        const style = getComputedStyle(document.querySelector('.scroll'))
        return style.backgroundAttachment + ' | ' + (style.backgroundImage.match(/linear-gradient/g) ?? []).length
      })()`)
      expect(layers).toBe('local, local, scroll, scroll | 4')
    })
  })

  it('is printed in one size of text, the receipt in one piece', async () => {
    await withPage(html, LOOKS[0]!, async ({ page }) => {
      await page.emulateMedia({ media: 'print' })
      expect(
        await page.evaluate(`[document.documentElement, document.body, document.querySelector('section p')]
          .map((e) => getComputedStyle(e).fontSize)`),
      ).toEqual(['11.5px', '11.5px', '11.5px'])
      expect(await page.evaluate("getComputedStyle(document.querySelector('section:last-of-type')).breakInside")).toBe(
        'avoid',
      )
    })
  })

  it('is used with the keyboard alone: every table behind a chart opens', async () => {
    await withPage(html, LOOKS[0]!, async ({ page }) => {
      const closed = await page.locator('details').count()
      expect(closed).toBeGreaterThan(8)
      const reached = new Set<string>()
      await page.keyboard.press('Tab')
      expect(await focused(page)).toBe('A Skip to the report')
      for (let i = 0; i < 60 && (await focused(page)) !== 'BODY '; i++) {
        const at = await focused(page)
        reached.add(at)
        if (at.startsWith('SUMMARY')) await page.keyboard.press('Enter')
        await page.keyboard.press('Tab')
      }
      expect([...reached].filter((at) => at.startsWith('SUMMARY'))).toHaveLength(closed)
      expect(await page.locator('details[open]').count()).toBe(closed)
      expect(await page.locator('details table:visible').count()).toBeGreaterThanOrEqual(closed - 1)
    })
  })
})

describe('the pictures of the report in docs/images', () => {
  for (const { width } of LOOKS) {
    it(`has one of ${width} pixels`, async () => {
      const path = `docs/images/report-${width}.png`
      const given = process.env['ETL3_PICTURES_OF']
      if (given !== undefined) writeFileSync(path, await picture(readFileSync(given, 'utf8'), width))
      const png = readFileSync(path)
      expect(png.subarray(1, 4).toString('latin1')).toBe('PNG')
      expect(png.readUInt32BE(16)).toBe(width)
      expect(png.length).toBeLessThan(400_000)
    })
  }
})

/** Captions of the visible tables that are wider than their region. */
async function tablesBeyondTheirRegion(page: Page): Promise<unknown> {
  return await page.evaluate(`[...document.querySelectorAll('.scroll')]
    .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth)
    .map((e) => e.querySelector('caption').textContent)`)
}

async function picture(page: string, width: number): Promise<Uint8Array> {
  return await withPage(page, { width, colorScheme: width > 700 ? 'light' : 'dark' }, async ({ page: open }) => {
    return await open.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height: width > 700 ? 2400 : 1700 } })
  })
}

async function focused(page: Page): Promise<string> {
  return String(
    await page.evaluate(
      "((e) => e.tagName + ' ' + (e.tagName === 'BODY' ? '' : (e.getAttribute('aria-label') ?? e.textContent)))(document.activeElement)",
    ),
  )
}

async function landmarks(page: Page): Promise<Record<string, number>> {
  return {
    main: await page.getByRole('main').count(),
    navigation: await page.getByRole('navigation').count(),
    h1: await page.getByRole('heading', { level: 1 }).count(),
    h2: await page.getByRole('heading', { level: 2 }).count(),
  }
}
