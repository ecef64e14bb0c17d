/**
 * The process that draws the charts of one report: specifications come in on stdin, drawings and its own peak of memory
 * go out on stdout, as JSON. A process of its own, because vega takes 50 MB that a worker would never get back.
 */

import { text } from 'node:stream/consumers'
import type { TopLevelSpec } from 'vega-lite'
import { OWN_MEMORY } from '../runtime/worker/memory-sampler.js'
import { drawSvg } from './draw-svg.js'

const specs: Readonly<Record<string, TopLevelSpec>> = JSON.parse(await text(process.stdin))
const drawings: Record<string, string> = {}
for (const [id, spec] of Object.entries(specs)) drawings[id] = await drawSvg(spec)
process.stdout.write(JSON.stringify({ drawings, peakBytes: OWN_MEMORY.highestBytes() }))
