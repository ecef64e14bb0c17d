/** `etl3 query` as a process: rows as they come, and an end that says whether they are all. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.js'
import { openCatalog } from '../../src/lake/catalogs.js'
import { DIFFICULT, writeSmallLake } from '../unit/lake/duckdb/small-lake.js'

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')
const PYTHON = process.env['ETL3_PYTHON'] ?? '.venv/bin/python'

/** Without what tells tests where their tools are: the command would say that it ignores it. */
const OWN_ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ETL3_')))

/** More rows than anybody waits for. */
const ENDLESS = 'SELECT i, md5(i::VARCHAR) AS text FROM range(3000000000) t(i)'
const FAILS_LATE = "SELECT CASE WHEN i = 1000000 THEN error('no such row') ELSE i END AS i FROM range(2000000) t(i)"
/** Values that a form could lose, in their own types. */
const HARD = `SELECT * FROM (VALUES
  (1, 'a,"b"', 9007199254740993, 1.25::DECIMAL(9,2), DATE '2024-02-29', [1, NULL]),
  (2, 'line' || chr(13) || chr(10) || 'end' || chr(27) || '[2J', NULL, NULL, NULL, []), (3, '', 0, -0.01, DATE '0001-01-01', NULL)) t(id, text, big, cents, day, list)`

describe('etl3 query', () => {
  let root: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'etl3-query-e2e-'))
    const output = { uri: join(root, 'table'), metadata_uri: join(root, 'etl3') }
    const processing = { scratch: join(root, 'scratch'), memory_limit_mb: 384 }
    writeFileSync(join(root, 'c.yaml'), JSON.stringify({ output, processing, logging: { file: 'etl3.log' } }))
    const catalog = await openCatalog(configSchema.parse({ output, processing }))
    await catalog.register(await writeSmallLake(DIFFICULT, { root: output.uri }), AbortSignal.timeout(60_000))
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  const start = (
    args: readonly string[],
    stdout: 'pipe' | number = 'pipe',
    env: NodeJS.ProcessEnv = {},
  ): ChildProcess =>
    spawn(process.execPath, [PROGRAM, 'query', '-c', 'c.yaml', ...args], {
      cwd: root,
      env: { ...OWN_ENVIRONMENT, NO_COLOR: '1', ...env },
      stdio: ['pipe', stdout, 'pipe'],
    })
  const ended = async (child: ChildProcess): Promise<{ code: number | null; err: string }> => {
    const err = child.stderr ? text(child.stderr) : Promise.resolve('')
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
    return { code, err: await err }
  }
  const whole = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const child = start(args, 'pipe', env)
    const out = child.stdout ? text(child.stdout) : Promise.resolve('')
    return { ...(await ended(child)), out: await out }
  }
  const untilFirstRows = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => child.stdout?.once('data', () => resolve()))
  const scratchFolders = (): string[] => readdirSync(join(root, 'scratch')).filter((name) => name.startsWith('query-'))
  const python = (code: string): unknown =>
    JSON.parse(execFileSync(PYTHON, ['-c', code], { cwd: root, encoding: 'utf8' }))

  for (const [signal, due] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    for (const format of ['csv', 'json', 'text']) {
      it(`that ${signal} stops while ${format} flows ends with ${due} and says that the output is incomplete`, async () => {
        const child = start(['-o', format, ENDLESS])
        const end = ended(child)
        await untilFirstRows(child)
        child.stdout?.resume()
        child.kill(signal)
        const { code, err } = await end
        expect({ code, err }).toEqual({ code: due, err: 'stopped: the query was stopped; the output is incomplete\n' })
        expect(scratchFolders()).toEqual([])
      })
    }
  }

  it('ends at once when it is stopped while nobody reads', async () => {
    const child = start(['-o', 'csv', ENDLESS])
    const end = ended(child)
    // One piece fills the pipe; no more is taken.
    await new Promise((resolve) => child.stdout?.once('readable', () => resolve(undefined)))
    const begun = performance.now()
    child.kill('SIGINT')
    expect(await end).toMatchObject({ code: 130 })
    expect(performance.now() - begun).toBeLessThan(10_000)
  })

  it('ends as after SIGPIPE, without a word and without scratch, when its reader goes', async () => {
    const child = start(['-o', 'csv', ENDLESS])
    const end = ended(child)
    await untilFirstRows(child)
    child.stdout?.destroy()
    expect(await end).toEqual({ code: 141, err: '' })
    expect(scratchFolders()).toEqual([])
  })

  it.each(['csv', 'json', 'text'])(
    'that fails while %s flows ends with 2 and says that the output is incomplete',
    async (format) => {
      const { code, out, err } = await whole(['-o', format, FAILS_LATE])
      expect(code).toBe(2)
      expect(err).toMatch(/the output is incomplete.*no such row.*ETL3-QU-01/s)
      expect(out.split('\n').length).toBeGreaterThan(2)
      if (format === 'json') expect(() => JSON.parse(out)).toThrow(SyntaxError)
    },
  )

  it.each(['csv', 'json', 'parquet'])('says that the disk behind its output is full: %s', async (format) => {
    const full = openSync('/dev/full', 'w')
    const { code, err } = await ended(start(['-o', format, 'SELECT * FROM range(100000)'], full))
    closeSync(full)
    expect(code).toBe(7)
    expect(err).toContain('ETL3-DK-01')
  })

  it('writes --output-file whole or not at all, and leaves what was there until then', async () => {
    for (const format of ['csv', 'parquet']) {
      const name = `answer.${format}`
      writeFileSync(join(root, name), 'before')
      const failed = await whole(['-o', format, '--output-file', name, FAILS_LATE])
      expect(failed.code).toBe(2)
      expect(readFileSync(join(root, name), 'utf8')).toBe('before')
      expect((await whole(['-o', format, '--output-file', name, 'SELECT 1 AS a'])).code).toBe(0)
      expect(readdirSync(root).filter((file) => file.startsWith(name))).toEqual([name])
    }
    expect(readFileSync(join(root, 'answer.csv'), 'utf8')).toBe('a\r\n1\r\n')
  })

  it('gives the same values as CSV, JSON and Parquet, as Python reads them', async () => {
    for (const format of ['csv', 'json', 'parquet']) {
      expect((await whole(['-o', format, '--output-file', `hard.${format}`, HARD])).code).toBe(0)
    }
    const due = [
      [1, 'a,"b"', 9007199254740993n.toString(), '1.25', '2024-02-29', '[1, None]'],
      [2, 'line\r\nend\u001B[2J', 'None', 'None', 'None', '[]'],
      [3, '', '0', '-0.01', '0001-01-01', 'None'],
    ]
    expect(
      python(`import pyarrow.parquet as p, json
print(json.dumps([[r['id'], r['text'], *(str(r[k]) for k in ('big', 'cents', 'day', 'list'))] for r in p.read_table('hard.parquet').to_pylist()]))`),
    ).toEqual(due)
    const columns = ['id', 'text', 'big', 'cents', 'day']
    const shortDue = due.map((row) => row.slice(0, 5).map((value) => (value === 'None' ? null : String(value))))
    expect(
      python(`import csv, json
rows = list(csv.reader(open('hard.csv', newline='')))
print(json.dumps([r[:5] for r in rows[1:]]))`),
    ).toEqual(shortDue.map((row) => row.map((value) => value ?? '')))
    expect(
      python(`import json
rows = json.load(open('hard.json'))['rows']
print(json.dumps([[None if r[c] is None else str(r[c]) for c in ${JSON.stringify(columns)}] for r in rows]))`),
    ).toEqual(shortDue)
  })

  it('needs no more memory for five million rows than its limit', async () => {
    const code = `import resource, subprocess, json
done = subprocess.run(${JSON.stringify([process.execPath, PROGRAM, 'query', '-c', 'c.yaml', '-o', 'csv', 'SELECT i, md5(i::VARCHAR) FROM range(5000000) t(i)'])}, stdout=subprocess.DEVNULL)
print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))`
    expect(python(code)).toEqual([0, expect.toSatisfy((peakMb: number) => peakMb < 384)])
  })

  it('answers who may only read: spill files go to the system’s temporary folder', async () => {
    const blocked = join(root, 'a-file')
    writeFileSync(blocked, '')
    const env = { ETL3_PROCESSING_SCRATCH: join(blocked, 'scratch'), TMPDIR: join(root, 'tmp') }
    mkdirSync(env.TMPDIR, { recursive: true })
    const { code, out } = await whole(
      ['-o', 'csv', "SELECT count(*) AS n FROM fact_rate_enriched WHERE state = 'TX'"],
      env,
    )
    expect({ code, out }).toEqual({ code: 0, out: 'n\r\n3\r\n' })
    expect(readdirSync(env.TMPDIR)).toEqual([])
    const nowhere = await whole(['SELECT 1'], { ...env, TMPDIR: join(blocked, 'tmp') })
    expect(nowhere.code).toBe(2)
    expect(nowhere.err).toMatch(/ETL3-DK-03\]\nhint: .*processing\.scratch.*TMPDIR/)
  })

  it('reads its SQL from standard input', async () => {
    const child = start(['-o', 'csv', '-'])
    const out = child.stdout ? text(child.stdout) : Promise.resolve('')
    child.stdin?.end('SELECT 42 AS answer -- and no more\n')
    expect(await ended(child)).toMatchObject({ code: 0 })
    expect(await out).toBe('answer\r\n42\r\n')
    expect(existsSync(join(root, 'etl3.log'))).toBe(false)
  })
})
