/** An answer of Athena's as a Parquet file: its texts become values of the types that Athena names. */
import { withEngine } from '../../engine/engine.js'
import { ENGINE_MB } from '../../engine/engine-memory.js'
import { sqlIdentifier, sqlString } from '../../engine/sql.js'
import type { QueryColumn, QueryRequest, QueryRow } from '../query.js'
import { withQueryScratch } from '../query-scratch.js'
import { withAthenaAnswer } from './athena-query.js'

/** Athena's types that Parquet has as well. What Athena writes in a form of its own (lists, binaries) stays a text. */
const SAME_TYPE = /^(?:boolean|tinyint|smallint|integer|bigint|real|float|double|date|timestamp|decimal\(\d+, ?\d+\))$/i

/**
 * Runs one statement in Athena and writes the answer as a Parquet file.
 *
 * @returns how many rows it has
 * @throws the errors of {@link withAthenaAnswer}, and those of {@link withQueryScratch}
 */
export async function athenaAnswerToParquet(request: QueryRequest, path: string): Promise<number> {
  const { config, signal } = request
  return await withAthenaAnswer(request, ({ columns, pieces }) =>
    withQueryScratch(config.processing.scratch, (scratch) =>
      withEngine({ memoryLimitMb: ENGINE_MB.answer, threads: 1, scratch }, signal, async (engine) => {
        await engine.run(`CREATE TABLE texts (${columns.map((_, i) => `c${i} VARCHAR`).join(', ')})`)
        await engine.append('texts', textRows(pieces))
        const values = namedValues(columns)
        await engine.run(`COPY (SELECT ${values.join(', ')} FROM texts) TO ${sqlString(path)} (FORMAT parquet)`)
        return await engine.count('SELECT count(*) FROM texts')
      }),
    ),
  )
}

async function* textRows(pieces: AsyncIterable<readonly QueryRow[]>): AsyncGenerator<(string | null)[]> {
  for await (const piece of pieces) {
    for (const row of piece) yield row.map((value) => (value === null ? null : String(value)))
  }
}

/** Two columns of one name are two columns; in a file they need two names. */
function namedValues(columns: readonly QueryColumn[]): string[] {
  const taken = new Set<string>()
  return columns.map(({ name, type }, i) => {
    let unique = name
    for (let n = 1; taken.has(unique.toLowerCase()); n++) unique = `${name}_${n}`
    taken.add(unique.toLowerCase())
    return `c${i}::${SAME_TYPE.test(type) ? type : 'VARCHAR'} AS ${sqlIdentifier(unique)}`
  })
}
