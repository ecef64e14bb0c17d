/** Somebody who writes to the analytics table with Trino, and the next run, which must notice. */
import { z } from 'zod'
import type { Trino } from './trino.js'

/** Notes a check: what was found is to be what was due. */
export type Check = (what: string, found: unknown, due: unknown) => void

/** How a command ended. */
export interface CommandEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A published table, and those who write to it. */
export interface ForeignWritesInput {
  readonly trino: Trino
  readonly database: string
  /** Name of the analytics table. */
  readonly table: string
  /** Runs the pipeline with these variables, over an input that did not change. */
  readonly run: (settings?: NodeJS.ProcessEnv) => Promise<CommandEnd>
  readonly check: Check
}

type Rows = readonly (readonly unknown[])[]

const refusalSchema = z.object({ error: z.object({ code: z.string(), hint: z.string() }) })
const resultSchema = z.object({ status: z.string() })
const setAsideSchema = z.object({
  analytics: z.object({ committed: z.object({ setAside: z.array(z.object({ snapshotId: z.string() })) }) }),
})

/** Each change stops the next run with a conflict, and each way of the hint takes the table back. */
export async function checkForeignWrites({ trino, database, table, run, check }: ForeignWritesInput): Promise<void> {
  const ask = async (sql: string): Promise<Rows> => (await trino.ask(sql, database, 'iceberg')).rows
  const status = async (settings?: NodeJS.ProcessEnv): Promise<unknown> => {
    const { code, stdout, stderr } = await run(settings)
    return code === 0 ? resultSchema.parse(JSON.parse(stdout)).status : `${code}: ${stderr}`
  }
  const content = `SELECT count(*), checksum(fact_uid), checksum(npi), checksum(negotiated_rate) FROM ${table}`
  const due = await ask(content)
  const own = await currentSnapshot(ask, table)

  const changes: readonly (readonly [what: string, sql: string])[] = [
    ['a DELETE', `DELETE FROM ${table} WHERE code = (SELECT min(code) FROM ${table})`],
    ['an INSERT', `INSERT INTO ${table} SELECT * FROM ${table} LIMIT 3`],
    ['an optimize', `ALTER TABLE ${table} EXECUTE optimize(file_size_threshold => '1GB')`],
  ]
  for (const [what, sql] of changes) {
    await ask(sql)
    check(`${what}: is the current snapshot`, (await currentSnapshot(ask, table)) !== own, true)
    const { code, stdout } = await run()
    check(`${what}: the exit code of the next run`, code, 6)
    const { error } = refusalSchema.parse(JSON.parse(stdout))
    check(`${what}: the error`, error.code, 'ETL3-IC-02')
    check(
      `${what}: the ways out`,
      WAYS_OUT.filter((way) => !error.hint.includes(way)),
      [],
    )
    await ask(`ALTER TABLE ${table} EXECUTE rollback_to_snapshot(${own})`)
    check(`${what}: the rows after a rollback`, await ask(content), due)
    check(`${what}: the run after a rollback`, await status(), 'unchanged')
  }

  await ask(`DELETE FROM ${table} WHERE npi IS NOT NULL`)
  const theirs = await currentSnapshot(ask, table)
  const back = await run(SET_ASIDE)
  check('a run that sets a change aside', back.code, 0)
  const { committed } = setAsideSchema.parse(JSON.parse(back.stdout)).analytics
  check(
    'what it says to have set aside',
    committed.setAside.map(({ snapshotId }) => snapshotId),
    [theirs],
  )
  check('the rows after it', await ask(content), due)
  check('the run after it', await status(), 'unchanged')
  const atTheirs = await ask(`SELECT count(*) FROM ${table} FOR VERSION AS OF ${theirs} WHERE npi IS NOT NULL`)
  check('what was set aside can be read', atTheirs, [[0]])
}

const WAYS_OUT = ['Roll the table back', 'output.analytics.foreign_commits: set_aside']
const SET_ASIDE = { ETL3_OUTPUT_ANALYTICS_FOREIGN_COMMITS: 'set_aside' }

/** As text: it has more digits than a number. */
async function currentSnapshot(ask: (sql: string) => Promise<Rows>, table: string): Promise<string> {
  const [[id] = []] = await ask(
    `SELECT CAST(snapshot_id AS VARCHAR) FROM "${table}$history" ORDER BY made_current_at DESC LIMIT 1`,
  )
  return String(id)
}
