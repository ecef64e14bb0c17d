/** The facts of a star, dealt to very many files. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Subject } from './subject.js'

/** The same star with its facts in so many files of about the same size. */
export async function inManyFiles(subject: Subject, folder: string, files: number): Promise<Subject> {
  const gold = join(folder, `${subject.name}-${files}`)
  mkdirSync(gold, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`CREATE TABLE dealt AS SELECT *, (row_number() OVER () - 1) AS fact
    FROM read_parquet('${subject.tables['fact_rate']}')`)
  const facts = Number((await connection.runAndReadAll('SELECT count(*) FROM dealt')).getRows()[0]?.[0])
  const perFile = Math.ceil(facts / files)
  for (let file = 0; file * perFile < facts; file++) {
    await connection.run(`COPY (SELECT * EXCLUDE fact FROM dealt WHERE fact >= ${file * perFile} AND fact < ${(file + 1) * perFile})
      TO '${join(gold, `part-${String(file).padStart(5, '0')}.parquet`)}' (FORMAT parquet)`)
  }
  connection.closeSync()
  instance.closeSync()
  return { ...subject, tables: { ...subject.tables, fact_rate: join(gold, '*.parquet') } }
}
