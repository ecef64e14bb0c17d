import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { configSchema } from '../../../src/config/schema.js'
import { InputError, UnavailableError } from '../../../src/runtime/errors.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { CURRENT, type FakeAnswer, FakeRun, FakeServer, fakeServices, WRITING } from './fake-runs.js'

async function call(argv: readonly string[], services: ReturnType<typeof fakeServices>) {
  workIn(testFolder())
  const io = new FakeIo()
  const code = await main([...argv, '-c', configFile('')], io, services)
  return { code, out: io.stdout.text, err: io.stderr.text }
}

describe('status', () => {
  it('shows how the run goes that is going on', async () => {
    const server = new FakeServer()
    server.going = new FakeRun('etl3:0', undefined)
    server.going.progressNow = WRITING
    server.going.workersNow = ['7@box etl3 0.1.0 from "/opt/etl3" in "/srv/rates"']
    const text = await call(['status'], fakeServices(server))
    expect(text.code).toBe(0)
    expect(text.out).toContain('a run is going on')
    expect(text.out).toContain('25 %  250,000 of 1,000,000 rows')
    expect(text.out).toContain('256 of 512 MB')
    expect(text.out).toContain('worker: process 7 on box, ETL3 0.1.0 of /opt/etl3, started in /srv/rates')
    const json = await call(['status', '-o', 'json'], fakeServices(server, { current: CURRENT }))
    expect(JSON.parse(json.out)).toMatchObject({
      state: 'running',
      progress: { phase: 'write' },
      workers: [{ pid: 7, host: 'box', build: { version: '0.1.0', installation: '/opt/etl3', folder: '/srv/rates' } }],
      published: CURRENT,
    })
    expect(server.closed).toEqual([false, false])
  })

  it('shows the last published run when none is going on, with a server or without', async () => {
    for (const server of [new FakeServer(), undefined]) {
      const { code, out } = await call(['status'], fakeServices(server, { current: CURRENT }))
      expect(code).toBe(0)
      expect(out.split('\n')).toEqual([
        'last published: 1,444,461 rows in 29,425 partitions',
        '  when      2026-02-03T04:05:06.000Z',
        '  run       a1b2c3',
        '  table     fact_rate_enriched in /lake/partitioned-data',
        '  report    /lake/etl3/runs/a1b2c3/report.md',
        '',
      ])
    }
  })

  it('names a run that did not come to its end, and how to go on with it', async () => {
    const unfinished = {
      runId: 'b2',
      startedAt: '2026-02-03T04:05:06.000Z',
      config: configSchema.parse({}),
      unitsWritten: 7,
    }
    const { out } = await call(['status'], fakeServices(new FakeServer(), { current: CURRENT, unfinished }))
    expect(out).toMatch(
      /^run b2 of 2026-02-03T04:05:06\.000Z did not come to its end \(7 units of partitions written\); 'etl3 resume' goes on with it\nlast published/,
    )
    const nothingElse = await call(['status'], fakeServices(undefined, { unfinished }))
    expect(nothingElse.out).toMatch(/'etl3 resume' goes on with it\nnothing is published yet\n$/)
    const json = await call(['status', '-o', 'json'], fakeServices(undefined, { unfinished }))
    expect(JSON.parse(json.out)).toMatchObject({ state: 'none', unfinished: { runId: 'b2', unitsWritten: 7 } })
    expect(json.out).not.toContain('"config"')
  })

  it('says nothing of an unfinished run where the server that may be running it does not answer', async () => {
    const unfinished = { runId: 'b2', startedAt: '', config: configSchema.parse({}), unitsWritten: 0 }
    const serverError = new UnavailableError('ETL3-TP-01', 'no Temporal server answers')
    const { out } = await call(['status'], fakeServices(undefined, { unfinished, serverError }))
    expect(out).not.toContain('b2')
  })

  it('says nothing of an unfinished run either where the server is there and too busy to say what runs', async () => {
    const unfinished = { runId: 'b2', startedAt: '', config: configSchema.parse({}), unitsWritten: 0 }
    const server = new FakeServer()
    server.ongoing = async () => {
      throw new UnavailableError('ETL3-CL-04', 'the Temporal server does not say whether a run is going on')
    }
    const { code, out, err } = await call(['status'], fakeServices(server, { current: CURRENT, unfinished }))
    expect({ code, closed: server.closed }).toEqual({ code: 0, closed: [false] })
    expect(err).toContain('[ETL3-CL-04]')
    expect(out).toMatch(/^last published/)
  })

  it('does not advise to resume a run whose lock is held', async () => {
    const heldBy = { host: 'box', pid: 7 }
    const unfinished = { runId: 'b2', startedAt: 'then', config: configSchema.parse({}), unitsWritten: 1, heldBy }
    const { out } = await call(['status'], fakeServices(undefined, { unfinished }))
    expect(out).toContain('run b2 of then is held by process 7 on box (1 unit of partitions written)')
    expect(out).not.toContain('resume')
  })

  it('says when nothing is published yet', async () => {
    const { code, out } = await call(['status'], fakeServices(undefined))
    expect({ code, out }).toEqual({ code: 0, out: "nothing is published yet; 'etl3 run' does that\n" })
  })
})

describe('query', () => {
  const answer: FakeAnswer = {
    columns: [
      { name: 'area', type: 'VARCHAR' },
      { name: 'rows', type: 'BIGINT' },
      { name: 'codes', type: 'VARCHAR[]' },
    ],
    rows: [
      ['Coeur d\'Alene, "ID"', 12n, ['a', null]],
      [null, 3n, []],
      ['\u001B[2Jred\n', 9007199254740993n, null],
      ['', 0n, null],
    ],
    filesScanned: 4,
    filesOfTable: 9,
  }

  it('aligns a table, and shows control characters as escapes', async () => {
    const { code, out, err } = await call(['query', 'select'], fakeServices(undefined, { answer }))
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      `area                             rows  codes`,
      `───────────────────  ────────────────  ──────────`,
      `Coeur d'Alene, "ID"                12  ["a",null]`,
      `NULL                                3  []`,
      `\\u001b[2Jred\\n       9007199254740993  NULL`,
      `                                    0  NULL`,
      '',
    ])
    expect(err).toContain('4 rows; 4 of 9 files can hold such rows')
  })

  it('keeps its columns where letters are wide, combined or many', async () => {
    const rows = [
      ['東部', 'a'],
      ['e\u0301', 'b'],
      ['🏥', 'c'],
      ['x'.repeat(61), 'd'],
    ]
    const columns = ['n', 'm'].map((name) => ({ name, type: 'VARCHAR' }))
    const { out } = await call(['query', 'select'], fakeServices(undefined, { answer: { columns, rows } }))
    expect(out.split('\n').slice(2, 6)).toEqual([
      `東部${' '.repeat(56)}  a`,
      `e\u0301${' '.repeat(59)}  b`,
      `🏥${' '.repeat(58)}  c`,
      `${'x'.repeat(59)}…  d`,
    ])
  })

  it('prints CSV as RFC 4180 has it, NULL and the empty text apart', async () => {
    const { out } = await call(['query', 'select', '-o', 'csv'], fakeServices(undefined, { answer }))
    expect(out).toBe(
      [
        'area,rows,codes',
        `"Coeur d'Alene, ""ID""",12,"[""a"",null]"`,
        ',3,[]',
        '"\u001B[2Jred\n",9007199254740993,',
        '"",0,',
        '',
      ].join('\r\n'),
    )
  })

  it('prints JSON that loses no digit', async () => {
    const { out } = await call(['query', 'select', '-o', 'json'], fakeServices(undefined, { answer }))
    expect(JSON.parse(out)).toEqual({
      columns: answer.columns,
      rows: [
        { area: `Coeur d'Alene, "ID"`, rows: 12, codes: ['a', null] },
        { area: null, rows: 3, codes: [] },
        { area: '\u001B[2Jred\n', rows: '9007199254740993', codes: null },
        { area: '', rows: 0, codes: null },
      ],
      filesScanned: 4,
    })
    expect(out).not.toContain('\u001B')
  })

  it('shows control characters on a terminal as escapes, whatever the form, and prints no Parquet there', async () => {
    workIn(testFolder())
    const onTerminal = async (format: string): Promise<{ code: number; io: FakeIo }> => {
      const io = new FakeIo({ NO_COLOR: '1' }, { terminalOutput: true })
      return {
        code: await main(
          ['query', 'select', '-o', format, '-c', configFile('')],
          io,
          fakeServices(undefined, { answer }),
        ),
        io,
      }
    }
    for (const format of ['csv', 'json', 'text']) {
      const { code, io } = await onTerminal(format)
      expect({ format, code, raw: io.stdout.text.includes('\u001B') }).toEqual({ format, code: 0, raw: false })
      expect(io.stdout.text).toContain('\\u001b[2J')
    }
    const { code, io } = await onTerminal('parquet')
    expect({ code, out: io.stdout.text }).toEqual({ code: 2, out: '' })
    expect(io.stderr.text).toContain('--output-file')
  })

  it('shows a terminal the first 1,000 rows and says how to get the rest; elsewhere text has all of them', async () => {
    workIn(testFolder())
    const rows = Array.from({ length: 1001 }, (_, i) => [i])
    const many = { columns: [{ name: 'i', type: 'BIGINT' }], rows }
    const io = new FakeIo({}, { terminalOutput: true })
    await main(['query', 'select', '-c', configFile('')], io, fakeServices(undefined, { answer: many }))
    expect(io.stdout.lines).toHaveLength(2 + 1000)
    expect(io.stderr.text).toMatch(/the first 1,000 rows; there are more: .*-o csv.*--output-file/)
    const exactly = new FakeIo({}, { terminalOutput: true })
    const answer = { ...many, rows: rows.slice(0, 1000) }
    await main(['query', 'select', '-c', configFile('')], exactly, fakeServices(undefined, { answer }))
    expect(exactly.stderr.text).toContain('1,000 rows\n')
    expect(exactly.stderr.text).not.toContain('more')
    const { out, err } = await call(['query', 'select'], fakeServices(undefined, { answer: many }))
    expect(out.trimEnd().split('\n')).toHaveLength(2 + 1001)
    expect(err).toContain('1,001 rows\n')
  })

  it('keeps columns of one name apart in JSON', async () => {
    const twice = { columns: ['a', 'a', 'a_1'].map((name) => ({ name, type: 'INTEGER' })), rows: [[1, 2, 3]] }
    const { out } = await call(['query', 'select', '-o', 'json'], fakeServices(undefined, { answer: twice }))
    expect(JSON.parse(out)).toEqual({
      columns: ['a', 'a_1', 'a_1_1'].map((name) => ({ name, type: 'INTEGER' })),
      rows: [{ a: 1, a_1: 2, a_1_1: 3 }],
    })
  })

  it('names what the file system refuses, and says that rows which came before an error are not all', async () => {
    const refused = Object.assign(new Error("EACCES: permission denied, mkdir '/x'"), {
      code: 'EACCES',
      syscall: 'mkdir',
      path: '/x',
    })
    const { code, out, err } = await call(
      ['query', 'select', '-o', 'json'],
      fakeServices(undefined, { answer, breaks: refused }),
    )
    expect(code).toBe(2)
    expect(err).toMatch(/the output is incomplete.*not allowed to mkdir "\/x" \(EACCES\) \[ETL3-DK-03\]\nhint: /s)
    expect(out).not.toContain('"status"')
    expect(() => JSON.parse(out)).toThrow(SyntaxError)
  })

  it('ends with the exit code of the error that the catalog throws', async () => {
    const error = new InputError('ETL3-LK-09', 'there is no table yet', { hint: 'Run etl3 run.' })
    const { code, out, err } = await call(['query', 'select'], fakeServices(undefined, { answer: error }))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('error: there is no table yet [ETL3-LK-09]\nhint: Run etl3 run.\n')
  })
})
