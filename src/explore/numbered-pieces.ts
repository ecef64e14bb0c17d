/** Rows of a table of the engine, a piece at a time: objects of all of them at once would take many times their bytes. */
import type { Cell, Engine } from '../engine/engine.js'

/** Rows that are objects at the same time. */
const PIECE_ROWS = 4_096

/**
 * The rows of a statement, piece by piece.
 * @param numbered a SELECT with a column `n` that numbers its rows from 0 on; it is run once
 */
export async function* numberedPieces(
  engine: Pick<Engine, 'run' | 'rows'>,
  numbered: string,
): AsyncGenerator<readonly Readonly<Record<string, Cell>>[]> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE explored AS ${numbered}`)
  for (let from = 0; ; from += PIECE_ROWS) {
    const rows = await engine.rows(`SELECT * FROM explored WHERE n >= ${from} AND n < ${from + PIECE_ROWS} ORDER BY n`)
    if (rows.length > 0) yield rows
    if (rows.length < PIECE_ROWS) break
  }
  await engine.run('DROP TABLE explored')
}
