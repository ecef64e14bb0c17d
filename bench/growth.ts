/**
 * How cost grows: `node scripts/run-typescript.mjs bench/growth.ts` runs ETL3 over generated stars with more and more facts, with
 * more and more members in a group, and over one star in layouts of more and more partition columns, and draws
 * docs/images/performance.svg.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { findTemporalCli } from '../src/runtime/temporal/temporal-cli.js'
import type { Installation } from '../test/check-star/etl3-process.js'
import { DEFAULT_OPTIONS } from '../test/oracle/oracle-table.js'
import { type RunTimes, timeRun } from './etl3-run.js'
import { demoSubject, largeSubject, realSubject, type Subject } from './subject.js'

const ROOT = resolve(import.meta.dirname, '..')
const LIMIT_MB = 512
const FACTS = [75_000, 150_000, 300_000, 600_000]
/** The largest group of a star of so many facts; the mean is about a third of it. */
const MEMBERS = [20, 40, 80, 160]
const FACTS_OF_MEMBERS = 150_000
const KEYS = [1, 2, 4, 6, 7, 9]

const PANELS = [
  { panel: 'facts', axis: 'facts (26 rows each)' },
  { panel: 'members', axis: 'rows a fact (150,000 facts)' },
  { panel: 'partitions', axis: 'partitions (1 to 9 partition columns)' },
] as const

type Panel = (typeof PANELS)[number]

/** One run: where on the axis it lies, and what it took. */
interface Point {
  readonly panel: Panel['panel']
  readonly at: number
  readonly run: RunTimes
}

const folder = mkdtempSync(join(tmpdir(), 'etl3-growth-'))
try {
  const { path: temporalCli } = await findTemporalCli()
  const installation = { cli: join(ROOT, 'dist', 'cli', 'main.js'), temporalCli, stateDir: join(folder, 'state') }
  const points = [
    ...(await byFacts(installation)),
    ...(await byMembers(installation)),
    ...(await byPartitions(installation)),
  ]
  for (const { panel, at, run } of points) {
    process.stdout.write(
      `${panel} ${at.toLocaleString('en')}: ${run.rows.toLocaleString('en')} rows, ${run.runSeconds.toFixed(1)} s, peak ${run.peakMb.toFixed(0)} MB, ${JSON.stringify(run.phases)}\n`,
    )
  }
  writeFileSync(join(ROOT, 'docs', 'images', 'performance.svg'), await draw(points))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function byFacts(installation: Installation): Promise<Point[]> {
  const points: Point[] = []
  for (const facts of FACTS) {
    points.push({ panel: 'facts', at: facts, run: await first(installation, await largeSubject(folder, facts)) })
  }
  return points
}

async function byMembers(installation: Installation): Promise<Point[]> {
  const points: Point[] = []
  for (const maxMembers of MEMBERS) {
    const run = await first(installation, await largeSubject(folder, FACTS_OF_MEMBERS, maxMembers))
    points.push({ panel: 'members', at: run.rows / FACTS_OF_MEMBERS, run })
  }
  return points
}

async function byPartitions(installation: Installation): Promise<Point[]> {
  const star =
    realSubject(resolve(ROOT, process.env['ETL3_STAR'] ?? '../shared/data/star')) ?? (await demoSubject(folder))
  const points: Point[] = []
  for (const keys of KEYS) {
    const run = await first(installation, star, DEFAULT_OPTIONS.partitionColumns.slice(0, keys))
    points.push({ panel: 'partitions', at: run.partitions, run })
  }
  return points
}

async function first(
  installation: Installation,
  subject: Subject,
  partitionColumns = DEFAULT_OPTIONS.partitionColumns,
): Promise<RunTimes> {
  return await timeRun({
    installation,
    subject,
    // All stay until the end; main.ts says why.
    folder: mkdtempSync(join(folder, 'output-')),
    workers: 1,
    memoryLimitMb: LIMIT_MB,
    chunkSize: 500,
    partitionColumns,
  })
}

async function draw(points: readonly Point[]): Promise<string> {
  const values = points.flatMap(({ panel, at, run: { phases, peakMb } }) => {
    const stage = (phases['validate'] ?? 0) + (phases['stage'] ?? 0) + (phases['screen'] ?? 0) + (phases['plan'] ?? 0)
    const write = (phases['write'] ?? 0) + (phases['publish'] ?? 0)
    const check = (phases['audit'] ?? 0) + (phases['register'] ?? 0)
    return [
      { panel, at, what: 'write and publish', value: write },
      { panel, at, what: 'stage and plan', value: stage },
      { panel, at, what: 'audit and register', value: check },
      { panel, at, what: 'peak memory', value: peakMb },
    ]
  })
  const drawn = ({ panel, axis }: Panel, memory: boolean) =>
    ({
      width: 230,
      height: memory ? 110 : 200,
      data: { values: values.filter((v) => v.panel === panel && (v.what === 'peak memory') === memory) },
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'at', type: 'quantitative', title: memory ? axis : null, axis: { tickCount: 4 } },
        y: {
          field: 'value',
          type: 'quantitative',
          title: memory ? 'MB' : 'seconds',
          scale: { domainMin: 0, ...(memory ? { domainMax: LIMIT_MB } : {}) },
        },
        color: { field: 'what', type: 'nominal', title: null, sort: null, legend: { orient: 'top' } },
      },
    }) as const
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    vconcat: [
      { hconcat: PANELS.map((panel) => drawn(panel, false)) },
      { hconcat: PANELS.map((panel) => drawn(panel, true)) },
    ],
  }
  return `${await new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()}\n`
}
