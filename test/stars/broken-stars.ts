/** Every kind of bad input, made from a valid star: what is broken, and what the error must say. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Star, type StarFileName, type StarTable, type StarValue, withTable, writeStar } from './star.js'
import { tinyStar } from './tiny-star.js'

/** A star that must be refused, or taken with a warning. */
export interface BrokenStar {
  /** What is wrong, as the rest of "refuses …". */
  readonly what: string
  /** What finds it: schemas and keys, reading all data, the quality rules, the plan, or nobody, since it is no fault. */
  readonly foundBy: 'inputs' | 'staging' | 'quality' | 'plan' | 'nobody'
  /** 2: the input is wrong; 3: a quality rule is violated; 0: only a part of the facts is set aside. */
  readonly exitCode: 0 | 2 | 3
  /** Words that the message must hold: the thing, and where it lies. */
  readonly mentions: readonly string[]
  /** Facts that are set aside, where the run goes on. */
  readonly quarantined?: number
  /** Writes the star under `root`. */
  write(root: string): Promise<void>
}

/** How many facts the stars with bad rates have. */
const MANY_FACTS = 200

/** A name that no key can hold: 1,024 bytes are the most that S3 takes. */
const LONG_NAME = 'x'.repeat(1_100)

/** All of them. */
export const BROKEN_STARS: readonly BrokenStar[] = [
  {
    what: 'a missing dimension table',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['Missing dimension tables', 'dim_npi'],
    write: async (root) => await writeStar(root, lacking('dims/dim_npi')),
  },
  {
    what: 'several missing tables, all at once',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['Missing dimension tables', 'dim_code_cat', 'xref_pg_member_npi'],
    write: async (root) => await writeStar(root, lacking('dims/dim_code_cat', 'xrefs/xref_pg_member_npi')),
  },
  {
    what: 'a missing fact table',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['fact_rate'],
    write: async (root) => await writeStar(root, lacking('gold/fact_rate')),
  },
  {
    what: 'a missing required column of a dimension',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['dim_npi_address_geolocation', 'stat_area_name'],
    write: async (root) =>
      await writeStar(
        root,
        changed('dims/dim_npi_address_geolocation', (t) => withoutColumn(t, 'stat_area_name')),
      ),
  },
  {
    what: 'a missing required column of the facts',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['fact_rate', 'negotiated_rate'],
    write: async (root) =>
      await writeStar(
        root,
        changed('gold/fact_rate', (t) => withoutColumn(t, 'negotiated_rate')),
      ),
  },
  {
    what: 'a rate that is text',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['fact_rate', 'negotiated_rate', 'VARCHAR'],
    write: async (root) =>
      await writeStar(
        root,
        changed('gold/fact_rate', (t) => withType(t, 'negotiated_rate', 'VARCHAR')),
      ),
  },
  {
    what: 'an NPI that is a fraction',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['dim_npi', 'npi', 'DOUBLE', '9000000001.5'],
    write: async (root) =>
      await writeStar(
        root,
        changed('dims/dim_npi', (t) => {
          const { columns, rows } = withType(t, 'npi', 'DOUBLE')
          return { columns, rows: rows.map((row) => ({ ...row, npi: Number(row['npi']) + 0.5 })) }
        }),
      ),
  },
  {
    what: 'places of service that are not a list',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['dim_pos_set', 'pos_members'],
    write: async (root) =>
      await writeStar(
        root,
        changed('dims/dim_pos_set', () => ({
          columns: { pos_set_id: 'VARCHAR', pos_members: 'VARCHAR' },
          rows: [{ pos_set_id: 'p1', pos_members: '11,22' }],
        })),
      ),
  },
  {
    what: 'a file that is not Parquet',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['dim_code', 'Parquet', 'dim_code.parquet'],
    write: async (root) => {
      await writeStar(root, tinyStar())
      writeFileSync(join(root, 'dims/dim_code.parquet'), 'code_type,code\nCPT,X1\n'.repeat(100))
    },
  },
  {
    what: 'a file of no bytes',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['dim_payer', 'Parquet', 'dim_payer.parquet'],
    write: async (root) => {
      await writeStar(root, tinyStar())
      writeFileSync(join(root, 'dims/dim_payer.parquet'), '')
    },
  },
  {
    what: 'a Parquet file whose end is missing',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['fact_rate', 'Parquet', 'fact_rate.parquet'],
    write: async (root) => {
      await writeStar(root, tinyStar())
      const file = join(root, 'gold/fact_rate.parquet')
      truncateSync(file, Math.floor(readFileSync(file).length / 2))
    },
  },
  {
    what: 'a Parquet file whose middle is damaged',
    foundBy: 'staging',
    exitCode: 2,
    mentions: ['dim_npi', 'dim_npi.parquet'],
    write: async (root) => {
      await writeStar(root, tinyStar())
      const file = join(root, 'dims/dim_npi.parquet')
      const bytes = readFileSync(file)
      // The footer stays whole, so only reading the data shows it.
      bytes.fill(0xff, 4, 300)
      writeFileSync(file, bytes)
    },
  },
  {
    what: 'a fact file without facts',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['fact_rate'],
    write: async (root) =>
      await writeStar(
        root,
        changed('gold/fact_rate', (t) => ({ ...t, rows: [] })),
      ),
  },
  ...(
    [
      ['dims/dim_npi', 'dim_npi', '9000000001', { last_name: 'Other' }],
      ['dims/dim_code', 'dim_code', 'X1', { code_name: 'other' }],
      ['dims/dim_payer', 'dim_payer', 'payer', { reporting_entity_name: 'Other' }],
      ['dims/dim_pos_set', 'dim_pos_set', 'p1', { pos_members: ['11'] }],
      ['dims/dim_npi_address', 'dim_npi_address', '9000000001', { city: 'Other' }],
      ['bench_medicare_professional', 'bench_medicare_professional', 'X1', { medicare_prof_stateavg: 1 }],
    ] as const
  ).map(
    ([file, table, key, other]): BrokenStar => ({
      what: `keys of ${table} whose rows differ`,
      foundBy: 'inputs',
      exitCode: 2,
      mentions: [table, key],
      write: async (root) =>
        await writeStar(
          root,
          changed(file, (t) => ({ ...t, rows: [...t.rows, { ...(keyedRow(t, key) ?? {}), ...other }] })),
        ),
    }),
  ),
  {
    what: 'Medicare rows of one year without months that differ',
    foundBy: 'inputs',
    exitCode: 2,
    mentions: ['bench_medicare_professional', 'X1'],
    write: async (root) =>
      await writeStar(
        root,
        changed('bench_medicare_professional', (t) => withoutColumn(t, 'year_month')),
      ),
  },
  {
    what: 'one fact_uid twice',
    foundBy: 'quality',
    exitCode: 3,
    mentions: ['fact_uid', 'f…'],
    write: async (root) =>
      await writeStar(
        root,
        changed('gold/fact_rate', (t) => ({ ...t, rows: [...t.rows, ...t.rows.slice(0, 1)] })),
      ),
  },
  {
    what: 'a fact without a payer',
    foundBy: 'quality',
    exitCode: 3,
    mentions: ['payer_slug'],
    write: async (root) => await writeStar(root, manyFacts(1, { payer_slug: null })),
  },
  {
    what: 'negative rates in more than one fact of a hundred',
    foundBy: 'quality',
    exitCode: 3,
    mentions: ['negotiated_rate'],
    write: async (root) => await writeStar(root, manyFacts(3, { negotiated_rate: -12.5 })),
  },
  {
    what: 'absurd rates in more than one fact of a hundred',
    foundBy: 'quality',
    exitCode: 3,
    mentions: ['negotiated_rate'],
    write: async (root) => await writeStar(root, manyFacts(3, { negotiated_rate: 1e12 })),
  },
  {
    what: 'rates that are no numbers in more than one fact of a hundred',
    foundBy: 'quality',
    exitCode: 3,
    mentions: ['negotiated_rate'],
    write: async (root) => await writeStar(root, manyFacts(3, { negotiated_rate: Number.NaN })),
  },
  {
    what: 'a key longer than 1,024 bytes',
    foundBy: 'plan',
    exitCode: 2,
    mentions: ['1,024', 'stat_area_name'],
    write: async (root) =>
      await writeStar(
        root,
        changed('dims/dim_npi_address_geolocation', (t) => ({
          ...t,
          rows: t.rows.map((row) => (row['address_hash'] === 'a1' ? { ...row, stat_area_name: LONG_NAME } : row)),
        })),
      ),
  },
  {
    what: 'nothing where one fact of a hundred has an absurd or negative rate, and sets those aside',
    foundBy: 'nobody',
    exitCode: 0,
    mentions: [],
    quarantined: 2,
    write: async (root) => await writeStar(root, manyFacts(2, { negotiated_rate: -0.01 })),
  },
]

/** The valid star, with {@link MANY_FACTS} facts of which the first `bad` have other values. */
function manyFacts(bad: number, values: Readonly<Record<string, StarValue>>): Star {
  return changed('gold/fact_rate', (table) => ({
    ...table,
    rows: Array.from({ length: MANY_FACTS }, (_, i) => ({
      ...table.rows[i % table.rows.length],
      fact_uid: `f${i}`,
      ...(i < bad ? values : {}),
    })),
  }))
}

function changed(name: StarFileName, change: (table: StarTable) => StarTable): Star {
  return withTable(tinyStar(), name, change)
}

function lacking(...names: readonly StarFileName[]): Star {
  const star = tinyStar()
  return Object.fromEntries(Object.entries(star).filter(([name]) => !names.some((n) => n === name)))
}

function withoutColumn(table: StarTable, column: string): StarTable {
  return { ...table, columns: Object.fromEntries(Object.entries(table.columns).filter(([name]) => name !== column)) }
}

function withType(table: StarTable, column: string, type: string): StarTable {
  const rows = table.rows.map((row) => ({
    ...row,
    [column]: type === 'VARCHAR' ? String(row[column]) : Number(row[column]),
  }))
  return { columns: { ...table.columns, [column]: type }, rows }
}

/** The last row in which some column holds the key: in dim_npi_address the LOCATION one, which is the one that is read. */
function keyedRow(table: StarTable, key: string): Readonly<Record<string, StarValue>> | undefined {
  return table.rows.findLast((row) => Object.values(row).includes(key))
}
