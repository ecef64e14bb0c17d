/** Draws a chart. Loads vega, which takes 50 MB: only the drawing process does this. */
import { parse, type View as VegaView, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** The chart as SVG text; the same for the same specification. */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const view: VegaView = new View(parse(compile(spec).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}
