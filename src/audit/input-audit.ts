/**
 * The audit that begins at the input: a sample of facts is read from the input files by another Parquet reader than
 * DuckDB, enriched by another implementation of the contract than staging and encoder, and compared, value for value,
 * with the rows that were written. What went wrong before staging is seen here and nowhere else.
 */
import { consecutiveGroups } from '../runtime/consecutive-groups.js'
import { IntegrityError } from '../runtime/errors.js'
import { groupBy } from '../runtime/group-by.js'
import { chooseObjects, type DueByObject, type DuePlace, kindOf, type ObjectsToRead } from './choose-objects.js'
import { compareObject, type Difference, describe, differingColumns, missing } from './compare.js'
import { Coverage, type LeftOut } from './coverage.js'
import { type DueRow, ExpectedRows, type FoundTables } from './expected-rows.js'
import { type HeapShares, heapShares } from './heap-shares.js'
import { KeyFilter } from './key-filter.js'
import { type Members, readMembers } from './members.js'
import { NotCovered } from './not-covered.js'
import type { ReadLimits } from './parquet-rows.js'
import { partitionPath } from './partition-path.js'
import { countRows } from './row-count.js'
import { type SampledFact, sampleFacts } from './sample.js'
import type { StarTableName } from './star-tables.js'
import {
  type AuditedFile,
  type AuditedTable,
  columnReader,
  type FoundRows,
  findRows,
  type ReadingDepth,
  starColumn,
  withFile,
} from './table-rows.js'
import { type WrittenPlace, WrittenTable } from './written-rows.js'

/** What is audited. */
export interface InputAuditInput {
  readonly tables: readonly AuditedTable[]
  /** The facts that the screen set aside, in full. */
  readonly quarantined: string
  readonly partitionColumns: readonly string[]
  readonly written: WrittenPlace
  /** Rows of the whole table, as the plan has them. */
  readonly plannedRows: number
  readonly depth: 'sample' | 'full'
  readonly limits: ReadLimits
  /** Called between pieces of work. @throws when the run is cancelled */
  readonly breathe: () => Promise<void>
}

/** What an audit of the input looked at. */
export interface InputAuditFigures {
  /** Fact files, and those of which facts were taken. */
  readonly files: number
  readonly filesRead: number
  /** Facts of which at least one row was compared. */
  readonly facts: number
  readonly rows: number
  readonly values: number
  /** Objects of the table that were read for it. */
  readonly objects: number
  /** Rows that all facts of the input give, counted; null where they could not be counted. */
  readonly rowsCounted: number | null
  /** What could not be looked at. */
  readonly leftOut: number
  readonly leftOutFirst: readonly LeftOut[]
}

/** How much is looked at. */
interface Extent extends ObjectsToRead {
  readonly facts: number
  readonly files: number
  /** Fact files beyond which the rows are not counted. */
  readonly filesToCount: number
  readonly valuesPerFile: number
  readonly valuesPerTable: number
  /** Providers that are looked up. */
  readonly providers: number
}

const EXTENTS: Readonly<Record<InputAuditInput['depth'], Extent>> = {
  sample: {
    facts: 400,
    files: 256,
    filesToCount: 256,
    valuesPerFile: 1_000_000,
    valuesPerTable: 3_000_000,
    providers: 1000,
    objects: 100,
    objectRows: 60_000,
  },
  full: {
    facts: 4096,
    files: Number.POSITIVE_INFINITY,
    filesToCount: Number.POSITIVE_INFINITY,
    valuesPerFile: Number.POSITIVE_INFINITY,
    valuesPerTable: Number.POSITIVE_INFINITY,
    providers: 20_000,
    objects: 4096,
    objectRows: 2_000_000,
  },
}

/** Most differences that an error names. */
const NAMED = 5
/** Objects that are searched for a row that is not where it is due: only once something is wrong. */
const SEARCHED_OBJECTS = 500

/** Audits the input. @throws IntegrityError ETL3-AU-05 when rows differ, ETL3-AU-06 when their number does */
export async function auditInput(input: InputAuditInput): Promise<InputAuditFigures> {
  const coverage = new Coverage()
  const extent = EXTENTS[input.depth]
  const depth: ReadingDepth = { ...input, valuesPerTable: extent.valuesPerTable }
  const facts = tableOf(input, 'fact_rate')
  const sample = await sampleFacts(facts, extent, depth, coverage)
  const kept = await withoutQuarantined(sample.facts, quarantineFile(input), depth, coverage)
  const links = tableOf(input, 'xref_pg_member_npi')
  const members = await readMembers(links, textsOf(kept, 'pg_uid'), depth, coverage)
  const most = heapShares(input.limits)
  const providers = Math.min(extent.providers, most.providers)
  const carried = members ? carry(kept, members, { ...most, providers }, coverage) : new Map<SampledFact, Carried>()
  const expected = new ExpectedRows(await findTables(input, carried, depth, coverage), input.partitionColumns)
  const due = placeRows(expected, carried, input.partitionColumns)
  const written = new WrittenTable(input.written, input.limits, input.breathe)
  // So that facts of every file can be compared, be it one of each.
  const toRead = { ...extent, objects: Math.max(extent.objects, sample.files) }
  const compared = await compare({ input, written, expected, due, carried, extent: toRead, depth, coverage })
  const isCounted = facts.files.length <= extent.filesToCount
  const perGroup = isCounted ? members?.perGroup : undefined
  const counting = { facts, quarantined: quarantineFile(input) }
  const rowsCounted = perGroup && (await countRows({ ...counting, perGroup }, depth, coverage))
  if (rowsCounted !== undefined && rowsCounted !== input.plannedRows) throw countDiffers(rowsCounted, input.plannedRows)
  return {
    files: facts.files.length,
    filesRead: sample.files,
    ...compared,
    rowsCounted: rowsCounted ?? null,
    leftOut: coverage.count,
    leftOutFirst: coverage.named,
  }
}

function tableOf({ tables }: InputAuditInput, name: StarTableName): AuditedTable {
  return tables.find((table) => table.name === name) ?? { name, files: [] }
}

function quarantineFile({ quarantined }: InputAuditInput): AuditedFile {
  return { path: quarantined, local: quarantined, seed: 0, pathColumns: new Map() }
}

/** Facts without an identity cannot be found again; those that were set aside have no rows. */
async function withoutQuarantined(
  facts: readonly SampledFact[],
  file: AuditedFile,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<SampledFact[]> {
  const named = facts.filter(({ values }) => textOf(values.get('fact_uid')) !== null)
  const uids = new Set(named.map(uidOf))
  const aside = await occurrences({ name: 'fact_rate', files: [file] }, uids, depth, coverage)
  return named.filter((fact) => !aside.has(uidOf(fact)))
}

/** How often some identities occur in files of facts. */
async function occurrences(
  table: AuditedTable,
  uids: ReadonlySet<string>,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const filter = new KeyFilter(uids)
  for (const file of table.files) {
    await withFile(table.name, file, { ...depth, coverage }, async (rows) => {
      const read = columnReader(rows, file, starColumn('fact_rate', 'fact_uid'))
      for (const window of rows.groups.flatMap((group) => rows.windows(group))) {
        const values = await read(window)
        for (const i of values.rowsThatMayBe(filter)) {
          const uid = values.at(i)
          if (typeof uid === 'string' && uids.has(uid)) found.set(uid, (found.get(uid) ?? 0) + 1)
        }
        await depth.breathe()
      }
    })
  }
  return found
}

/** Members of a fact's group that are carried through, and whether these are all of them. */
interface Carried {
  readonly npis: readonly string[]
  readonly complete: boolean
  /** Rows of the fact in the table. */
  readonly rows: number
  /** Input file of the links. */
  readonly file: string
}

/** Members of the facts' groups, as many as there may be in all. A fact of which none is left is not there. */
function carry(
  facts: readonly SampledFact[],
  members: Members,
  most: HeapShares,
  coverage: Coverage,
): ReadonlyMap<SampledFact, Carried> {
  const carried = new Map<SampledFact, Carried>()
  const taken = new Set<string>()
  const mostOfFact = Math.max(1, Math.floor(most.places / Math.max(1, facts.length)))
  for (const fact of facts) {
    const group = fact.values.get('pg_uid')
    if (group === undefined) continue
    const all = typeof group === 'string' ? members.of(group) : []
    const file = members.fileOf(textOf(group) ?? '')
    // All rows of a fact are held at once, the due ones and the written ones.
    if (all === undefined || 2 * all.length > most.rowsAtOnce) {
      coverage.leaveOut('fact_rate', fact.file, 'groups with more providers than the memory holds beside the rest')
      continue
    }
    const fresh = all.filter((npi) => !taken.has(npi))
    for (const npi of fresh.slice(0, most.providers - taken.size)) taken.add(npi)
    const npis = all.filter((npi) => taken.has(npi)).slice(0, mostOfFact)
    const rows = Math.max(1, all.length)
    if (all.length === 0 || npis.length > 0) {
      carried.set(fact, { npis, complete: npis.length === all.length, rows, file })
    }
  }
  return carried
}

async function findTables(
  input: InputAuditInput,
  carried: ReadonlyMap<SampledFact, Carried>,
  depth: ReadingDepth,
  coverage: Coverage,
): Promise<FoundTables> {
  const find = (name: StarTableName, key: string, wanted: ReadonlySet<string>): Promise<FoundRows> =>
    findRows(tableOf(input, name), key, wanted, depth, coverage)
  const facts = [...carried.keys()]
  const npis = new Set([...carried.values()].flatMap((m) => m.npis))
  const codes = textsOf(facts, 'code')
  return {
    dim_code: await find('dim_code', 'code', codes),
    dim_code_cat: await find('dim_code_cat', 'proc_cd', codes),
    dim_payer: await find('dim_payer', 'payer_slug', textsOf(facts, 'payer_slug')),
    dim_pos_set: await find('dim_pos_set', 'pos_set_id', textsOf(facts, 'pos_set_id')),
    dim_npi: await find('dim_npi', 'npi', npis),
    dim_npi_address: await find('dim_npi_address', 'npi', npis),
    dim_npi_address_geolocation: await find('dim_npi_address_geolocation', 'npi', npis),
    xref_pg_member_tin: await find('xref_pg_member_tin', 'pg_uid', textsOf(facts, 'pg_uid')),
    bench_medicare_professional: await find('bench_medicare_professional', 'code', codes),
  }
}

function textsOf(facts: readonly SampledFact[], column: string): ReadonlySet<string> {
  return new Set(facts.flatMap(({ values }) => textOf(values.get(column)) ?? []))
}

/** A row of which a partition column is not known has no place and is not compared. */
function placeRows(
  expected: ExpectedRows,
  carried: ReadonlyMap<SampledFact, Carried>,
  partitionColumns: readonly string[],
): DueByObject {
  const due = new Map<string, DuePlace[]>()
  const kinds = new Map<string, string>()
  for (const [fact, { npis, file }] of carried) {
    for (const [i, row] of expected.rowsOf(fact, npis, file).entries()) {
      const values = partitionColumns.map((column) => row.get(column)?.value)
      if (values.includes(undefined)) continue
      const path = partitionPath(partitionColumns, values.map(textOf))
      const key = path === '' ? OBJECT_NAME : `${path}/${OBJECT_NAME}`
      // Kinds are few: each is held once.
      const said = kindOf(row)
      const kind = kinds.get(said) ?? said
      kinds.set(kind, kind)
      const places = due.get(key) ?? []
      places.push({ fact, npi: npis[i], columns: row.size, kind })
      due.set(key, places)
    }
  }
  return due
}

/** Name of the one object of a partition. */
const OBJECT_NAME = 'fact_rate_enriched.parquet'

interface CompareInput {
  readonly input: InputAuditInput
  readonly written: WrittenTable
  readonly expected: ExpectedRows
  readonly due: DueByObject
  readonly carried: ReadonlyMap<SampledFact, Carried>
  readonly extent: Extent
  readonly depth: ReadingDepth
  readonly coverage: Coverage
}

async function compare(work: CompareInput): Promise<Pick<InputAuditFigures, 'facts' | 'rows' | 'values' | 'objects'>> {
  const { input, written, due, carried, extent, coverage } = work
  const planned = await written.find(new Set(due.keys()))
  const differences: Difference[] = []
  for (const [key, places] of due) {
    if (planned.has(key)) continue
    for (const row of dueRows(work, places.slice(0, NAMED))) differences.push(missing(row, key))
  }
  const partial = new Set([...carried].filter(([, m]) => !m.complete).map(([fact]) => uidOf(fact)))
  const facts = new Set<SampledFact>()
  let rows = 0
  let values = 0
  let objects = 0
  for (const object of chooseObjects(due, planned, extent)) {
    const places = due.get(object.key)
    if (!places) continue
    try {
      for (const batch of inBatches(work, places)) {
        const rowsDue = dueRows(work, batch)
        const found = await written.rows(object, new Set(batch.map(({ fact }) => uidOf(fact))))
        const isComplete = (uid: string): boolean => !partial.has(uid)
        differences.push(...compareObject({ object: object.key, due: rowsDue, written: found, isComplete }))
        for (const { fact, columns } of batch) {
          facts.add(fact)
          values += columns
        }
        rows += batch.length
        await input.breathe()
      }
    } catch (error) {
      if (!(error instanceof NotCovered)) throw error
      coverage.leaveOut('written', object.key, error.message)
      continue
    }
    objects += 1
  }
  if (differences.length > 0) await judge(work, differences)
  return { facts: facts.size, rows, values, objects }
}

/** Places whose rows, due and written, the heap holds together; those of one fact, or of facts of one name, stay together. */
function inBatches({ input, carried }: CompareInput, places: readonly DuePlace[]): DuePlace[][] {
  const byUid = groupBy(places, ({ fact }) => uidOf(fact))
  const rowsOf = (ofUid: readonly DuePlace[]): number => {
    const ofFacts = new Set(ofUid.map(({ fact }) => fact))
    return ofUid.length + [...ofFacts].reduce((sum, fact) => sum + (carried.get(fact)?.rows ?? 1), 0)
  }
  const { rowsAtOnce } = heapShares(input.limits)
  return consecutiveGroups([...byUid.values()], rowsOf, { weight: rowsAtOnce }).map((group) => group.flat())
}

/** The rows of some places, with their values. */
function dueRows(
  { expected, carried }: Pick<CompareInput, 'expected' | 'carried'>,
  places: readonly DuePlace[],
): DueRow[] {
  return places.flatMap(({ fact, npi }) => {
    const file = carried.get(fact)?.file ?? ''
    return expected.rowsOf(fact, npi === undefined ? [] : [npi], file)
  })
}

/**
 * Differences are found; are they real? An identity that several facts share has the rows of all of them. And a row that
 * is not where it is due may be elsewhere: then the column that led it there is what differs.
 */
async function judge(work: CompareInput, differences: readonly Difference[]): Promise<void> {
  const { input, depth, coverage } = work
  const uids = new Set(differences.map(({ uid }) => uid))
  const times = await occurrences(tableOf(input, 'fact_rate'), uids, depth, coverage)
  const real = differences.filter(
    ({ uid, column, written }) => column !== undefined || written === undefined || (times.get(uid) ?? 0) <= 1,
  )
  if (real.length === 0) return
  const told: string[] = []
  for (const difference of real.slice(0, NAMED)) told.push(describe(await explained(work, difference)))
  const more = real.length > NAMED ? `; and ${real.length - NAMED} more` : ''
  throw new IntegrityError(
    'ETL3-AU-05',
    `the rows that were written are not those of the input: ${told.join('; ')}${more}`,
    {
      hint: 'Nothing was published, the table is as it was. Another reader of the input files comes to other values than ETL3 wrote: please report it with the type of the column in that file.',
    },
  )
}

async function explained(work: CompareInput, difference: Difference): Promise<Difference> {
  const { due, written } = work
  const { uid, npi, object } = difference
  const place = due.get(object)?.find((one) => uidOf(one.fact) === uid && (one.npi ?? null) === npi)
  const [row] = dueRows(work, place ? [place] : [])
  if (difference.column !== undefined || difference.written !== undefined || !row) return difference
  for (const other of await written.similar(object, SEARCHED_OBJECTS)) {
    const found = (await written.rows(other, new Set([uid]))).find((r) => (r.get('npi') ?? null) === npi)
    const [column] = found ? differingColumns(row, found) : []
    const value = column === undefined ? undefined : row.get(column)
    if (!found || column === undefined || !value) continue
    return { uid, npi, column, due: value.value, written: found.get(column), file: value.file, object: other.key }
  }
  return difference
}

function countDiffers(due: number, planned: number): IntegrityError {
  return new IntegrityError(
    'ETL3-AU-06',
    `the facts of the input give ${due} rows, each with the distinct members of its group, and the plan has ${planned}`,
    {
      hint: 'Nothing was published, the table is as it was. Another reader of the input files counts other facts or members than ETL3 staged: please report it.',
    },
  )
}

function uidOf({ values }: SampledFact): string {
  return textOf(values.get('fact_uid')) ?? ''
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
