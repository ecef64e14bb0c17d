/** Colours, where they are wanted. */
import picocolors from 'picocolors'
import type { CliStream } from '../io.js'

/** Functions that colour a text, or leave it as it is. */
export type Palette = Pick<
  ReturnType<typeof picocolors.createColors>,
  'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'isColorSupported'
>

/**
 * Colours for a stream. `always` and `never` decide; otherwise a terminal gets colours unless NO_COLOR is set
 * (no-color.org: set and not empty) or TERM is "dumb".
 */
export function paletteFor(
  when: unknown,
  stream: CliStream,
  env: Readonly<Record<string, string | undefined>>,
): Palette {
  if (when === 'always') return picocolors.createColors(true)
  if (when === 'never') return picocolors.createColors(false)
  return picocolors.createColors(stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb')
}
