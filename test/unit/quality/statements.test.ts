import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { ChangingFunctions } from '../../../src/quality/changing-functions.js'
import { ruleSetOf } from '../../../src/quality/rule-set.js'
import { runStatements, type StatementFindings } from '../../../src/quality/run-statements.js'
import { openSandbox, runStatement } from '../../../src/quality/sandbox.js'
import { failureAnswer } from '../../../src/quality/statement-failure.js'
import { goodStar } from '../../stars/good-star.js'
import { AS_OF, type JudgedStar, withJudged } from './judged-star.js'

let star: JudgedStar
let release: () => void
let held: Promise<void>
/** The engine of the process that runs statements, in this one. */
let sandbox: DuckDBConnection
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
  sandbox = await openSandbox({ paths: star.staged, engineMb: 128, residentMb: 256, spill: join(folder, 'spill') })
})
afterAll(async () => {
  release()
  await held
  rmSync(folder, { recursive: true, force: true })
})

const MEMORY_MB = 256

/** What any process that this one has now had resident at most; 0 without one. */
function highestOfChildrenMb(): number {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )
  return Math.max(0, ...children.map(highestMb))
}

function highestMb(pid: string): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes ?? 0) / 1024
  } catch {
    return 0
  }
}

async function run(
  sql: string,
  options: object = {},
  signal = new AbortController().signal,
): Promise<StatementFindings> {
  const config = configSchema.parse({ data_quality: { rules: { own: { kind: 'sql', sql, ...options } } } })
  const [rule] = ruleSetOf(config.data_quality, AS_OF).sql
  if (!rule) throw new Error('no rule')
  const found = (await runStatements([rule], star.staged, { memoryMb: MEMORY_MB, scratch: folder, signal })).get(rule)
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
    const { factRows, ...none } = await run('SELECT * FROM attrs WHERE false')
    expect({ ...none, factRows: [...factRows] }).toEqual({ failed: 0, examples: [], factRows: [] })
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
    'SELECT * FROM facts WHERE current_localtimestamp() IS NOT NULL',
    'SELECT * FROM facts WHERE current_localtime() IS NOT NULL',
    'SELECT * FROM facts WHERE get_current_time() IS NOT NULL',
    "SELECT * FROM facts WHERE ago(INTERVAL 1 DAY) > TIMESTAMP '2026-01-01'",
    "SELECT * FROM facts WHERE AGE(TIMESTAMP '2026-01-01') > INTERVAL 1 DAY",
    "SELECT * FROM facts WHERE age(DATE '2026-01-01'::TIMESTAMPTZ) > INTERVAL 1 DAY",
    'SELECT * FROM facts WHERE pg_postmaster_start_time() IS NOT NULL',
    'SELECT * FROM facts WHERE main."ago"(INTERVAL 1 DAY) > TIMESTAMP \'2026-01-01\'',
    "SELECT * FROM facts WHERE CURRENT_TIMESTAMP > TIMESTAMP '2026-01-01'",
    'SELECT * FROM facts WHERE localtime IS NOT NULL',
    "SELECT * FROM facts WHERE current_setting('memory_limit') <> ''",
    'SELECT row_number() OVER (ORDER BY uuid()) FROM facts',
    'SELECT list_transform([1], x -> x + random()) FROM facts',
    'SELECT * FROM facts USING SAMPLE 3',
    'SELECT * FROM facts TABLESAMPLE 10%',
    'SELECT 1; SELECT 2',
    "SELECT 1) TO 'TARGET'; COPY (SELECT 1",
    "SELECT 1 UNION ALL (SELECT count(*) FROM (SELECT * FROM read_blob('/etc/passwd')))",
    ' ',
    '-- nothing',
    'SELECT * FROM nowhere',
    'this is no SQL',
  ])('is refused when it is %j', async (sql) => {
    const target = join(folder, 'target')
    const statement = { sql: sql.replaceAll('TARGET', target), listsFacts: false }
    const answer = await runStatement(sandbox, statement).catch(failureAnswer)
    expect(answer).toMatchObject({ kind: 'refused' })
    expect(existsSync(target)).toBe(false)
  })

  it('may reckon with days that stand in it or in the data, and name a column like a function', async () => {
    const age = "SELECT age(TIMESTAMP '2026-02-01', TIMESTAMP '2026-01-01') AS random FROM facts"
    expect((await runStatement(sandbox, { sql: age, listsFacts: false })).failed).toBe(10)
    const day = "SELECT date_trunc('month', DATE '2026-02-03') AS today, pi(), last_day(DATE '2026-02-03') FROM facts"
    expect((await runStatement(sandbox, { sql: `SELECT today FROM (${day})`, listsFacts: false })).failed).toBe(10)
  })

  it('finds no moment and no chance in any other function of the engine that takes nothing', async () => {
    const changing = await ChangingFunctions.of(sandbox)
    const names = await sandbox.runAndReadAll(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro') AND len(parameters) = 0",
    )
    for (const [name] of names.getRows()) {
      if (changing.calledBy({ function_name: String(name), children: [] })) continue
      const read = async (): Promise<unknown> => {
        const answer = await sandbox.runAndReadAll(`SELECT main."${String(name)}"()::VARCHAR`).catch(() => undefined)
        return answer?.getRows()
      }
      expect([name, await read()]).toEqual([name, await read()])
    }
  })

  it('is told as a mistake of the configuration when it is refused', async () => {
    await expect(run('DROP VIEW facts')).rejects.toMatchObject({
      code: 'ETL3-CF-13',
      message: expect.stringContaining('data_quality.rules.own'),
    })
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

  // The engine neither counts what these take nor stops while one of them is computed.
  it.each([
    'SELECT len(list_sort(range(200000000 + fact_row))) AS n FROM facts',
    'SELECT len(list_sort(range(200000000 + r.range))) AS n FROM range(2000) r',
    "SELECT length(repeat('abc', 700000000 + fact_row)) AS n FROM facts",
    "SELECT length(lpad('a', 1000000000 + fact_row, 'xy')) AS n FROM facts",
    "SELECT levenshtein(repeat('a', 500000000), repeat('b', 500000000)) AS n",
    'SELECT list(a.range || b.range) AS n FROM range(100000) a, range(100000) b',
  ])('is failed for what it takes, and never takes it, when it is %j', async (sql) => {
    let peakMb = 0
    const look = setInterval(() => {
      peakMb = Math.max(peakMb, highestOfChildrenMb())
    }, 10)
    const timed = performance.now()
    await expect(run(`SELECT * FROM (${sql}) WHERE n IS NOT NULL`, { timeout_ms: 20_000 })).rejects.toMatchObject({
      kind: 'QualityError',
      code: 'ETL3-QA-05',
      hint: expect.stringContaining('--memory-limit'),
    })
    clearInterval(look)
    expect(performance.now() - timed).toBeLessThan(20_000)
    expect(peakMb).toBeLessThan(MEMORY_MB)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is stopped by its time limit also within one expression', async () => {
    const endless = "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000)) AS n"
    const timed = performance.now()
    await expect(run(`SELECT * FROM (${endless}) WHERE n > 0`, { timeout_ms: 300 })).rejects.toMatchObject({
      code: 'ETL3-QA-04',
    })
    expect(performance.now() - timed).toBeLessThan(10_000)
  })

  it('ends with the run that is cancelled', async () => {
    const cancelled = new AbortController()
    setTimeout(() => cancelled.abort(new Error('cancelled')), 500)
    const endless = "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000)) AS n"
    await expect(run(`SELECT * FROM (${endless}) WHERE n > 0`, {}, cancelled.signal)).rejects.toThrow('cancelled')
    expect(highestOfChildrenMb()).toBe(0)
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
