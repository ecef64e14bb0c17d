/** HTML that is put together so that no text gets in unescaped. */
import { plainText } from '../runtime/plain-text.js'

/** Markup that may stand in a page as it is. Only {@link html}, {@link drawing} and this module make it. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What may stand in a template: text and numbers are escaped, markup is not, lists are joined, undefined is nothing. */
export type Content = string | number | Markup | undefined | readonly Content[]

/**
 * A template whose values are escaped: characters that mean something in HTML become references, controls and marks that
 * turn text around become visible (`\u202e`). Values may stand between tags and in quoted attributes, nowhere else.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.map((text, i) => text + (i < values.length ? markupOf(values[i]) : '')).join(''))
}

function markupOf(value: Content): string {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'number' || typeof value === 'string') return escapeHtml(plainText(String(value)))
  return value.map(markupOf).join('')
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => REFERENCES[character] ?? '')
}

/** Elements of a drawing: shapes and text, nothing that runs, links or embeds. */
const DRAWING_ELEMENTS: ReadonlySet<string> = new Set(['svg', 'g', 'path', 'rect', 'line', 'text', 'tspan', 'circle'])

/**
 * Makes sure that a drawing (SVG) holds shapes and text only: nothing that runs, links, loads or embeds.
 * @throws Error that names what else it holds
 */
export function requireShapesOnly(svg: string): void {
  for (const [, name = ''] of svg.matchAll(/<\/?([^\s/>]*)/g)) {
    if (!DRAWING_ELEMENTS.has(name)) throw new Error(`a drawing holds the element '${name}'`)
  }
  for (const [tag] of svg.matchAll(/<[^>]*>/g)) {
    const attribute = /\s(on\w+|(?:xlink:)?href|style)\s*=/i.exec(tag.replace(/"[^"]*"/g, '""'))?.[1]
    if (attribute !== undefined) throw new Error(`a drawing holds the attribute '${attribute}'`)
  }
  if (!DRAWING.test(svg.trim())) throw new Error('a drawing is not one svg element with a viewBox')
}

const DRAWING = /^<svg\b[^>]*\bviewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>(.*)<\/svg>$/s

/**
 * A drawing as markup, with a title and a description for who does not see it.
 * @throws Error when it holds anything but shapes and text
 */
export function drawing(
  svg: string,
  words: { readonly id: string; readonly title: string; readonly description: string; readonly className: string },
): Markup {
  requireShapesOnly(svg)
  const [, width = '', height = '', inside = ''] = DRAWING.exec(svg.trim()) ?? []
  const { id, title, description, className } = words
  return html`<svg xmlns="http://www.w3.org/2000/svg" class="${className}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>${new Markup(inside)}</svg>`
}
