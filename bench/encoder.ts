/**
 * How fast the Parquet encoder is beside hyparquet-writer and DuckDB's COPY, in one run and as ratios. Times are
 * those that the process computed, so that other work on the machine hardly shows. Synthetic partitions of 65 columns in the shape of the real star (seeded, no input).
 *
 * Arguments: `--quick` measures for a tenth of the time; `--encoder` leaves the other writers out.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { createPartitionEncoder } from '../src/parquet/encoder.js'
import type { ColumnSource, FactorisedRows, FileColumn, PartitionEncoder } from '../src/parquet/factorised.js'
import { numbersOf } from '../test/aws/support/seeded-numbers.js'
import { bytesPool, doublePool, listPool, type Partition, rowsOf } from '../test/unit/parquet/partition.js'
import { writeWithHyparquet } from '../test/unit/parquet/readers.js'

const QUICK = process.argv.includes('--quick')
const ENCODER_ONLY = process.argv.includes('--encoder')
const MS_PER_MEASUREMENT = QUICK ? 200 : 2000

const random = numbersOf(20250801)
const integer = (below: number) => Math.floor(random() * below)
const hex = (digits: number) => Array.from({ length: digits }, () => integer(16).toString(16)).join('')
const word = (length: number) => Array.from({ length }, () => String.fromCharCode(97 + integer(26))).join('')
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, i) => make(i))

const FACTS = 20_000
const NPIS = 20_000
const CODES = 400
const GROUPS = 2_000

// Axes, by position in a row group.
const FILE_AXIS = 0
const FACT_AXIS = 1
const CODE_AXIS = 2
const TERMS_AXIS = 3
const GROUP_AXIS = 4
const NPI_AXIS = 5
const BENCHMARK_AXIS = 6

function star(): { columns: FileColumn[]; sources: ColumnSource[] } {
  const columns: FileColumn[] = []
  const sources: ColumnSource[] = []
  const strings = (name: string, axis: number, entries: number, distinct: number, make: (index: number) => string) => {
    columns.push({ name, type: 'string' })
    const indexes = Int32Array.from(many(entries, (i) => (entries === distinct ? i : integer(distinct))))
    sources.push({ from: 'axis', axis, pool: bytesPool(many(distinct, make)), valueOf: indexes })
  }
  const sparse = (name: string, axis: number, entries: number, distinct: number, make: (index: number) => string) => {
    strings(name, axis, entries, distinct, make)
    const source = sources.at(-1)
    if (source?.from === 'axis' && source.valueOf !== undefined) {
      for (let i = 0; i < entries; i++) if (random() < 0.3) source.valueOf[i] = -1
    }
  }
  const doubles = (name: string, axis: number, entries: number, distinct: number) => {
    columns.push({ name, type: 'double' })
    const indexes = Int32Array.from(many(entries, () => integer(distinct)))
    sources.push({ from: 'axis', axis, pool: doublePool(many(distinct, () => integer(1e6) / 100)), valueOf: indexes })
  }
  for (const name of ['payer_slug', 'state', 'billing_class', 'procedure_set', 'procedure_class']) {
    strings(name, FILE_AXIS, 50, 50, () => word(10))
  }
  for (const name of ['primary_taxonomy_code', 'stat_area_name', 'year', 'month', 'year_month']) {
    strings(name, FILE_AXIS, 50, 50, () => word(14))
  }
  columns.push({ name: 'fact_uid', type: 'string' })
  sources.push({ from: 'axis', axis: FACT_AXIS, pool: bytesPool(many(FACTS, () => hex(32))), valueOf: undefined })
  strings('code', CODE_AXIS, CODES, CODES, (i) => String(90000 + i))
  strings('code_type', CODE_AXIS, CODES, 2, (i) => ['CPT', 'HCPCS'][i]!)
  strings('code_name', CODE_AXIS, CODES, CODES, () => word(24))
  strings('code_description', CODE_AXIS, CODES, CODES, () => `${word(20)} ${word(30)} ${word(25)}`)
  strings('procedure_group', CODE_AXIS, CODES, 12, () => word(12))
  strings('market_state', TERMS_AXIS, 40, 1, () => 'CA')
  strings('negotiated_type', TERMS_AXIS, 40, 3, () => word(10))
  strings('negotiation_arrangement', TERMS_AXIS, 40, 1, () => 'ffs')
  strings('expiration_date', TERMS_AXIS, 40, 3, () => '9999-12-31')
  strings('reporting_entity_name', TERMS_AXIS, 40, 1, () => word(25))
  strings('pos_set_id', TERMS_AXIS, 40, 6, () => hex(32))
  columns.push({ name: 'pos_members', type: 'list' })
  sources.push({
    from: 'axis',
    axis: TERMS_AXIS,
    pool: listPool(many(6, () => many(1 + integer(20), () => String(integer(99))))),
    valueOf: Int32Array.from(many(40, () => integer(6))),
  })
  columns.push({ name: 'negotiated_rate', type: 'double' })
  sources.push({ from: 'numbers', stream: 0 })
  strings('pg_uid', GROUP_AXIS, GROUPS, GROUPS, () => hex(32))
  strings('provider_group_id_raw', GROUP_AXIS, GROUPS, GROUPS, () => String(integer(1e6)))
  columns.push({ name: 'tin_values', type: 'list' })
  sources.push({
    from: 'axis',
    axis: GROUP_AXIS,
    pool: listPool(many(GROUPS, () => many(1 + integer(3), () => String(integer(1e9))))),
    valueOf: undefined,
  })
  strings('npi', NPI_AXIS, NPIS, NPIS, (i) => String(1_000_000_000 + i * 7))
  strings('first_name', NPI_AXIS, NPIS, 800, () => word(7))
  strings('last_name', NPI_AXIS, NPIS, 4000, () => word(8))
  sparse('organization_name', NPI_AXIS, NPIS, 3000, () => word(22))
  for (const name of ['enumeration_type', 'npi_status', 'provider_type', 'sole_proprietor', 'is_sole_proprietor']) {
    strings(name, NPI_AXIS, NPIS, 2, (i) => ['Individual', 'Organization'][i]!)
  }
  strings('primary_taxonomy_desc', NPI_AXIS, NPIS, 1, () => word(20))
  strings('primary_taxonomy_state', NPI_AXIS, NPIS, 3, () => word(2))
  sparse('primary_taxonomy_license', NPI_AXIS, NPIS, 15000, () => hex(8))
  sparse('credential', NPI_AXIS, NPIS, 40, () => word(3))
  strings('enumeration_date', NPI_AXIS, NPIS, 4000, (i) => `2010-01-${i}`)
  strings('address_1', NPI_AXIS, NPIS, 9000, () => word(20))
  sparse('address_2', NPI_AXIS, NPIS, 500, () => word(8))
  strings('city', NPI_AXIS, NPIS, 30, () => word(10))
  strings('postal_code', NPI_AXIS, NPIS, 2000, () => hex(9))
  strings('country_code', NPI_AXIS, NPIS, 1, () => 'US')
  strings('telephone_number', NPI_AXIS, NPIS, 9000, () => hex(10))
  sparse('fax_number', NPI_AXIS, NPIS, 8000, () => hex(10))
  strings('address_hash', NPI_AXIS, NPIS, 9000, () => hex(32))
  doubles('latitude', NPI_AXIS, NPIS, 9000)
  doubles('longitude', NPI_AXIS, NPIS, 9000)
  strings('county_name', NPI_AXIS, NPIS, 6, () => word(12))
  strings('county_fips', NPI_AXIS, NPIS, 6, () => hex(5))
  strings('stat_area_code', NPI_AXIS, NPIS, 1, () => hex(5))
  strings('matched_address', NPI_AXIS, NPIS, 9000, () => word(45))
  strings('benchmark_type', BENCHMARK_AXIS, CODES, 1, () => 'professional')
  for (const name of ['medicare_national_rate', 'medicare_state_rate', 'work_rvu', 'practice_expense_rvu']) {
    doubles(name, BENCHMARK_AXIS, CODES, CODES)
  }
  for (const name of ['malpractice_rvu', 'total_rvu']) doubles(name, BENCHMARK_AXIS, CODES, CODES)
  doubles('conversion_factor', BENCHMARK_AXIS, CODES, 1)
  columns.push({ name: 'rate_to_medicare_ratio', type: 'double' }, { name: 'is_above_medicare', type: 'boolean' })
  sources.push({ from: 'numbers', stream: 1 }, { from: 'numbers', stream: 2 })
  return { columns, sources }
}

/** One row group of `facts` facts with about `members` rows each, of providers of one cell. */
function rowGroup(facts: number, members: number): FactorisedRows {
  const cell = Array.from({ length: Math.max(members, Math.ceil(Math.sqrt(facts * members) * 2)) }, () => integer(NPIS))
  const groups = many(Math.max(1, Math.ceil(facts / 10)), () => {
    const size = Math.max(1, members + integer(Math.ceil(members / 2) + 1) - Math.floor(members / 4))
    const first = integer(cell.length)
    return { id: integer(GROUPS), npis: many(size, (i) => cell[(first + i) % cell.length]!).sort((a, b) => a - b) }
  })
  const firstFact = integer(FACTS - facts)
  const codes = many(facts, (i) => Math.floor((i * Math.min(CODES, facts / 2)) / facts))
  const chosen = many(facts, () => groups[integer(groups.length)]!)
  const rates = Float64Array.from(many(facts, () => integer(40_000) / 100))
  return {
    rows: chosen.reduce((sum, { npis }) => sum + npis.length, 0),
    facts,
    runLengths: Int32Array.from(chosen, ({ npis }) => npis.length),
    axes: [
      { grain: 'file', entries: Int32Array.of(integer(50)) },
      { grain: 'fact', entries: Int32Array.from(many(facts, (i) => firstFact + i)) },
      { grain: 'fact', entries: Int32Array.from(codes) },
      { grain: 'fact', entries: Int32Array.from(chosen, ({ id }) => id % 40) },
      { grain: 'fact', entries: Int32Array.from(chosen, ({ id }) => id) },
      { grain: 'row', entries: Int32Array.from(chosen.flatMap(({ npis }) => npis)) },
      { grain: 'fact', entries: Int32Array.from(codes) },
    ],
    numbers: [
      { grain: 'fact', values: rates, valid: undefined },
      { grain: 'fact', values: rates.map((rate) => Math.round(rate * 1.37 * 1000) / 1000), valid: undefined },
      { grain: 'fact', values: rates.map((rate) => Number(rate > 150)), valid: undefined },
    ],
  }
}

const METADATA = [
  ['etl3.engine', '0.1.0'],
  ['etl3.fingerprint', '0123456789abcdef0123456789abcdef'],
] as const

/** Milliseconds that this process, with all its threads, has computed: unlike the clock's it leaves others out. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Computed milliseconds of one call, warmed up. */
function time(call: () => void): number {
  const until = (ms: number) => {
    const start = cpuMs()
    let calls = 0
    for (; calls % 4 !== 0 || cpuMs() - start < ms; calls++) call()
    return (cpuMs() - start) / calls
  }
  until(MS_PER_MEASUREMENT / 2)
  return until(MS_PER_MEASUREMENT)
}

function encode(encoder: PartitionEncoder, groups: readonly FactorisedRows[]): number {
  let bytes = 0
  for (const piece of encoder.encode(groups, METADATA)) bytes += piece.length
  return bytes
}

async function main(): Promise<void> {
  const { columns, sources } = star()
  const encoder = createPartitionEncoder(columns)
  encoder.bind(sources)
  const folder = mkdtempSync(join(tmpdir(), 'etl3-bench-'))
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const duckdb = await instance.connect()
  console.log(`${columns.length} columns, one thread, Node ${process.version}`)
  for (const [facts, members] of [
    [4, 3],
    [12, 9],
    [60, 8],
    [400, 12],
    [1500, 40],
    [10_000, 5],
  ] as const) {
    // Several partitions in turn, so that nothing is measured that only holds for one.
    const partitions = many(8, () => rowGroup(facts, members))
    const rows = partitions.reduce((sum, part) => sum + part.rows, 0) / partitions.length
    let turn = 0
    let bytes = 0
    const ms = time(() => {
      bytes = encode(encoder, [partitions[turn++ % partitions.length]!])
    })
    let line = `${rows.toFixed(0).padStart(7)} rows: ${ms.toFixed(3)} ms, ${Math.round((rows / ms) * 1000).toLocaleString('en')} rows/s, ${bytes.toLocaleString('en')} bytes`
    if (!ENCODER_ONLY) {
      const partition: Partition = { columns, sources, groups: [partitions[(turn - 1) % partitions.length]!] }
      const plain = rowsOf(partition)
      const reference = time(() => void writeWithHyparquet(columns, plain))
      const path = join(folder, 'in.parquet')
      writeFileSync(path, Buffer.concat(Array.from(encoder.encode(partition.groups, METADATA), (p) => Buffer.from(p))))
      await duckdb.run(`CREATE OR REPLACE TABLE t AS SELECT * FROM read_parquet('${path}')`)
      const copy = join(folder, 'out.parquet')
      const start = cpuMs()
      const copies = QUICK ? 5 : 40
      for (let i = 0; i < copies; i++) await duckdb.run(`COPY t TO '${copy}' (FORMAT parquet, COMPRESSION snappy)`)
      const duckdbMs = (cpuMs() - start) / copies
      line += ` | hyparquet-writer ${reference.toFixed(2)} ms (x${(reference / ms).toFixed(0)})`
      line += ` | DuckDB ${duckdbMs.toFixed(2)} ms (x${(duckdbMs / ms).toFixed(1)}), ${statSync(copy).size.toLocaleString('en')} bytes`
    }
    console.log(line)
  }
  console.log(`resident at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
  duckdb.closeSync()
  instance.closeSync()
  rmSync(folder, { recursive: true })
}

await main()
