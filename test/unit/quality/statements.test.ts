import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { ruleSetOf } from '../../../src/quality/rule-set.js'
import { runStatements, type StatementFindings } from '../../../src/quality/sandbox.js'
import { goodStar } from '../../stars/good-star.js'
import { AS_OF, type JudgedStar, withJudged } from './judged-star.js'

let star: JudgedStar
let release: () => void
let held: Promise<void>
const folder = mkdtempSync(join(tmpdir(), 'etl3-statements-'))

beforeAll(async () => {
  await new Promise<void>((ready) => {
    held = withJudged(goodStar(), {}, async (judged) => {
      star = judged
      ready()
      await new Promise<void>((resolve) => {
        release = resolve
      })
    })
  })
})
afterAll(async () => {
  release()
  await held
  rmSync(folder, { recursive: true, force: true })
})

async function run(sql: string, options: object = {}): Promise<StatementFindings> {
  const config = configSchema.parse({ data_quality: { rules: { own: { kind: 'sql', sql, ...options } } } })
  const [rule] = ruleSetOf(config.data_quality, AS_OF).sql
  if (!rule) throw new Error('no rule')
  const signal = new AbortController().signal
  const found = (await runStatements([rule], star.staged, { memoryLimitMb: 128, scratch: folder, signal })).get(rule)
  if (!found) throw new Error('no findings')
  return found
}

describe('a statement of the configuration', () => {
  it('reads the staged tables, by itself and joined', async () => {
    expect((await run('SELECT * FROM facts')).failed).toBe(10)
    expect((await run("SELECT * FROM fact_rates WHERE payer_slug = 'payer';")).failed).toBe(10)
    expect(
      (await run('SELECT * FROM facts JOIN members USING (group_id) JOIN npis USING (npi_id) -- rows')).failed,
    ).toBe(15)
    expect((await run('WITH x AS (FROM cells) SELECT * FROM x, range(3)')).failed).toBe(3 * 2)
    expect(await run('SELECT * FROM attrs WHERE false')).toEqual({ failed: 0, examples: [], factRows: [] })
  })

  it('shows ten rows of what it returns, texts masked', async () => {
    const { failed, examples } = await run("SELECT fact_uid, negotiated_rate, 'a secret' AS word, NULL AS n FROM facts")
    expect(failed).toBe(10)
    expect(examples.length).toBe(10)
    expect(examples[0]).toBe('fact_uid f…, negotiated_rate 100.0, word a se…, NULL')
    const lists = await run('SELECT tin_values FROM groups')
    expect(lists.examples).toEqual(['tin_values [1…', 'tin_values [1…'])
  })

  it.each([
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_parquet('TARGET')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_csv('https://example.com/x.csv')",
    "COPY (SELECT 1) TO 'TARGET'",
    "COPY facts TO 'TARGET'",
    "COPY facts FROM 'TARGET'",
    "ATTACH 'TARGET'",
    'INSTALL httpfs',
    'LOAD httpfs',
    'PRAGMA database_list',
    'PRAGMA threads = 4',
    'SET threads = 4',
    'RESET lock_configuration',
    'CALL pragma_version()',
    'DESCRIBE facts',
    'EXPLAIN ANALYZE SELECT 1',
    "EXPORT DATABASE 'TARGET'",
    'CREATE TABLE x AS SELECT 1',
    'DROP VIEW facts',
    'DELETE FROM facts',
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM enable_logging(storage = 'file', storage_path = 'TARGET')",
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM facts WHERE random() < 0.5',
    "SELECT * FROM facts WHERE current_date > DATE '2026-01-01'",
    "SELECT * FROM facts WHERE now() > TIMESTAMP '2026-01-01'",
    'SELECT * FROM facts USING SAMPLE 3',
    'SELECT * FROM facts TABLESAMPLE 10%',
    'SELECT 1; SELECT 2',
    "SELECT 1) TO 'TARGET'; COPY (SELECT 1",
    "SELECT 1 UNION ALL (SELECT count(*) FROM (SELECT * FROM read_blob('/etc/passwd')))",
    '',
    '-- nothing',
    'SELECT * FROM nowhere',
    'this is no SQL',
  ])('is refused when it is %j', async (sql) => {
    const target = join(folder, 'target')
    // An empty text is refused by the schema already.
    await expect(run(sql.replaceAll('TARGET', target))).rejects.toThrow(
      sql === '' ? 'Too small' : expect.objectContaining({ code: 'ETL3-CF-13' }),
    )
    expect(existsSync(target)).toBe(false)
  })

  it('cannot reach a file even where the name of its function is a harmless one', async () => {
    const before = readFileSync(star.staged.facts)
    await expect(run(`SELECT * FROM "${star.staged.quarantined}"`)).rejects.toThrow()
    await expect(run("SELECT unnest FROM unnest((SELECT list(content) FROM '/etc/hostname'))")).rejects.toThrow()
    expect(readFileSync(star.staged.facts)).toEqual(before)
  })

  it('is stopped by its time limit', async () => {
    const endless = 'SELECT a.range FROM range(1000000000000) a, range(1000000) b WHERE a.range + b.range < 0'
    await expect(run(endless, { timeout_ms: 300 })).rejects.toMatchObject({ kind: 'QualityError', code: 'ETL3-QA-04' })
  })

  it('lists the facts that are to be set aside, each once, and needs a column fact_row for it', async () => {
    const listed = await run('SELECT fact_row FROM facts, range(3) WHERE fact_row % 4 = 0 UNION ALL SELECT 4711', {
      on_violation: 'quarantine',
    })
    expect([listed.failed, [...listed.factRows]]).toEqual([3, [0, 4, 8]])
    await expect(run('SELECT fact_uid FROM facts', { on_violation: 'quarantine' })).rejects.toThrow(/fact_row/)
  })

  it('leaves nothing behind in the scratch folder', async () => {
    await run('SELECT * FROM facts ORDER BY fact_uid')
    expect(readdirSync(folder)).toEqual([])
  })
})
