/** Measures in a browser whether what a page says can be read. */
import type { Page } from 'playwright-core'

/** Contrast that text needs on its background (WCAG 2.2, 1.4.3). */
const LEAST_CONTRAST = 4.5

/** Texts of page and drawings whose colour is too near to what lies behind them. */
export async function textsOfLowContrast(page: Page): Promise<unknown> {
  return await page.evaluate(`(() => {
    const parse = (c) => { const [r, g, b, a = 1] = c.match(/[\\d.]+/g).map(Number); return { r, g, b, a } }
    const light = ({ r, g, b }) => {
      const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      return 0.2126 * x + 0.7152 * y + 0.0722 * z
    }
    const behind = (e) => {
      for (let at = e; at; at = at.parentElement) {
        const c = parse(getComputedStyle(at).backgroundColor)
        if (c.a > 0) return c
      }
      return { r: 255, g: 255, b: 255 }
    }
    const low = []
    for (const e of document.querySelectorAll('body *')) {
      const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '')
      if (!own || !e.checkVisibility() || e.closest('title, desc')) continue
      const style = getComputedStyle(e)
      const drawn = e instanceof SVGElement
      const [a, b] = [light(parse(drawn ? style.fill : style.color)), light(behind(e))]
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
      if (contrast < ${LEAST_CONTRAST}) low.push(e.textContent.slice(0, 40) + ' ' + contrast.toFixed(2))
    }
    return low
  })()`)
}
