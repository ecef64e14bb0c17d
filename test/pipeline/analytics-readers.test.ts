import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { queryCatalog } from '../../src/lake/queries.js'
import { text } from '../oracle/sql.js'
import { severalFilesStar, variedFact } from '../stars/several-files-star.js'
import { writeStar } from '../stars/star.js'
import { PyIceberg } from '../unit/iceberg/pyiceberg.js'
import { Lake } from './in-process-run.js'

/** Facts of each publication: as many rows as no other one has, more and fewer in turn. */
const PUBLICATIONS = [24, 40, 18, 36, 12, 48, 30, 60, 42, 54]

/** Between two questions of a reader, so that the publications, in the same process, get on. */
const PAUSE_MS = 100
/** Ten runs, one after the other, in a minute or so on a machine that does other things as well. */
const PATIENCE_MS = 300_000

let root: string
let lake: Lake
/** Rows and checksum of each publication, by a plain join of its star. */
let due: string[]

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-analytics-readers-'))
  lake = new Lake(join(root, 'lake'))
  due = []
  for (const facts of PUBLICATIONS) {
    await writeStar(starOf(facts), severalFilesStar(Array.from({ length: facts }, (_, i) => variedFact(i))))
    const file = (name: string): string => `read_parquet(${text(join(starOf(facts), `${name}.parquet`))})`
    due.push(
      await answer(
        ':memory:',
        `SELECT ${WHAT} FROM ${file('gold/fact_rate')} JOIN ${file('xrefs/xref_pg_member_npi')} USING (pg_uid)`,
      ),
    )
  }
  expect(new Set(due.map((pair) => pair.split(' ')[0])).size).toBe(PUBLICATIONS.length)
  await publish(0)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const WHAT = "count(*) || ' ' || sum(hash(fact_uid, npi))"

function starOf(facts: number): string {
  return join(root, `star-${facts}`)
}

async function publish(number: number): Promise<void> {
  lake.configure({
    star: starOf(PUBLICATIONS[number] ?? 0),
    analytics: { enabled: true, target_file_rows: 12 },
    // One partition each of the other table, so that it takes no time.
    partitionColumns: ['payer_slug', 'month'],
  })
  expect((await lake.run(`execution-${number}`)).status).toBe('published')
}

async function answer(database: string, sql: string): Promise<string> {
  const instance = await DuckDBInstance.create(database, {
    threads: '1',
    ...(database === ':memory:' ? {} : { access_mode: 'READ_ONLY' }),
  })
  const connection = await instance.connect()
  try {
    return String((await connection.runAndReadAll(sql)).getRowsJson()[0]?.[0])
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** What readers ask, again and again, each in its own way; the last one is another process. */
const READERS: Readonly<Record<string, () => Promise<string>>> = {
  async 'etl3 query'() {
    const { config } = loadConfig({ file: join(lake.root, 'c.yaml'), env: {} })
    const sql = `SELECT ${WHAT} FROM fact_rate_enriched`
    const { rows } = await queryCatalog({ config, sql, signal: new AbortController().signal })
    return String(rows[0]?.[0])
  },
  async 'the view in catalog.duckdb'() {
    const name = 'healthcare_data_lake.fact_rate_enriched'
    return await answer(join(lake.metadata, 'catalog.duckdb'), `SELECT ${WHAT} FROM ${name}`)
  },
  async pyiceberg() {
    const saved = join(root, 'read.parquet')
    await new PyIceberg(lake.analytics).save(saved)
    return await answer(':memory:', `SELECT ${WHAT} FROM read_parquet(${text(saved)})`)
  },
}

it(
  'readers that ask again and again through ten publications see each as a whole, and never an earlier one after it',
  async () => {
    let published = false
    const seen = Object.entries(READERS).map(async ([reader, ask]) => {
      const answers: string[] = []
      for (;;) {
        const isLast = published
        answers.push(await ask())
        if (isLast) return { reader, answers }
        await delay(PAUSE_MS)
      }
    })
    const publishing = (async () => {
      try {
        for (let number = 1; number < PUBLICATIONS.length; number++) await publish(number)
      } finally {
        published = true
      }
    })()
    const all = await Promise.all(seen)
    await publishing

    for (const { reader, answers } of all) {
      const publications = answers.map((found) => due.indexOf(found))
      expect({ reader, foreign: answers.filter((_, i) => publications[i] === -1) }).toEqual({ reader, foreign: [] })
      expect(publications).toEqual(publications.toSorted((a, b) => a - b))
      expect(publications.at(-1)).toBe(PUBLICATIONS.length - 1)
      expect(new Set(publications).size).toBeGreaterThan(PUBLICATIONS.length / 2)
    }
  },
  PATIENCE_MS,
)
