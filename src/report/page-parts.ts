/** The parts that all sections of the page are made of: tables, figures, tiles. */
import type { Chart, Drawings } from './chart.js'
import { type Content, drawing, html, type Markup } from './html.js'

/** A column of a table. */
export interface Column {
  readonly name: string
  /** `number`: flush right; `long`: may break anywhere. */
  readonly kind?: 'number' | 'long'
}

/** A table; the first cell of each row is its heading. */
export interface Table {
  readonly caption: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Content[])[]
}

const CLASS_OF = { number: 'n', long: 'long' } as const

/** A table with caption and scopes, in a region of its own that scrolls where it is too wide. */
export function table({ caption, columns, rows }: Table): Markup {
  const classOf = (i: number): string => {
    const kind = columns[i]?.kind
    return kind === undefined ? '' : CLASS_OF[kind]
  }
  const head = columns.map((c, i) => html`<th scope="col" class="${classOf(i)}">${c.name}</th>`)
  const body = rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, i) =>
        i === 0
          ? html`<th scope="row" class="${classOf(i)}">${cell}</th>`
          : html`<td class="${classOf(i)}">${cell}</td>`,
      )}</tr>\n`,
  )
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>
`
}

/** Something that is shown on demand. */
export function details(summary: string, content: Content): Markup {
  return html`<details><summary>${summary}</summary>${content}</details>
`
}

/** A chart with its words, and its figures as a table behind it. Without a drawing the table stands open. */
export function figure(chart: Chart | undefined, drawings: Drawings | undefined, data: Table): Markup {
  if (!chart) return table(data)
  const drawn = chart.views.map(({ name }) => {
    const svg = drawings?.get(`${chart.id}-${name}`)
    return svg === undefined
      ? undefined
      : drawing(svg, { id: `${chart.id}-${name}`, title: chart.title, description: chart.description, className: name })
  })
  const missing = drawn.includes(undefined)
  return html`<figure aria-labelledby="${chart.id}-heading"><figcaption><h3 id="${chart.id}-heading">${chart.title}</h3><p>${chart.description}</p></figcaption>
${missing ? table(data) : html`${drawn}\n${details(`Figures: ${chart.title}`, table(data))}`}</figure>
`
}

/** One figure of the tiles at the top of a section. */
export interface Tile {
  readonly label: string
  readonly figure: string
  readonly note?: string
}

/** The figures that matter most. */
export function tiles(list: readonly Tile[]): Markup {
  return html`<dl class="tiles">${list.map(
    ({ label, figure, note }) =>
      html`<div><dt>${label}</dt><dd>${figure}${note === undefined ? undefined : html`<small>${note}</small>`}</dd></div>\n`,
  )}</dl>
`
}

/** A section with its heading. */
export function section(id: string, heading: string, content: Content): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${content}</section>
`
}
