import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig, valueAt } from '../../../src/config/load.js'
import { InvalidConfig } from '../../../src/config/problems.js'
import { configFile, testFolder, workIn } from './config-file.js'

/** Keys of each form, with values that are right for them and unlike the defaults. */
const KEYS = {
  'processing.chunk_size': fc.integer({ min: 1001, max: 9_999_999 }),
  'processing.memory_limit_mb': fc.integer({ min: 2000, max: 9000 }),
  'output.uri': fc.stringMatching(/^[a-z]{1,9}\/[a-z]{1,9}$/),
  'data_quality.rules.rate_range.max_share': fc.integer({ min: 2, max: 99 }).map((share) => share / 100),
  'partitioning.partition_columns': fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,12}$/), { minLength: 1, maxLength: 5 }),
  'input.tables.fact_rate': fc.stringMatching(/^[a-z]{1,9}$/),
}
type Key = keyof typeof KEYS

/** From the lowest to the highest: each beats those before it. */
const LAYERS = ['file', 'environment', 'variable', 'override', 'flag'] as const
type Values = Partial<Record<Key, string | number | string[]>>

/** Written down here, not read from the schema: users rely on them. */
const DEFAULTS: Record<Key, unknown> = {
  'processing.chunk_size': 1000,
  'processing.memory_limit_mb': 1024,
  'output.uri': 'lake/partitioned-data/',
  'data_quality.rules.rate_range.max_share': 0.01,
  'partitioning.partition_columns':
    'payer_slug,state,billing_class,procedure_set,procedure_class,primary_taxonomy_code,stat_area_name,year,month'.split(
      ',',
    ),
  'input.tables.fact_rate': undefined,
}

const values: fc.Arbitrary<Values> = fc.record(KEYS, { requiredKeys: [] })
const layers = fc.record({ file: values, environment: values, variable: values, override: values, flag: values })

describe('flag > override > variable > environment section > file > default', () => {
  it('holds for every key, whichever layers set it', () => {
    workIn(testFolder())
    const file = configFile('')
    fc.assert(
      fc.property(layers, (set) => {
        writeFileSync(file, JSON.stringify({ ...nested(set.file), environments: { chosen: nested(set.environment) } }))
        const { config, origins } = loadConfig({
          file,
          environment: 'chosen',
          env: Object.fromEntries(texts(set.variable).map(([key, text]) => [variable(key), text])),
          overrides: Object.fromEntries(texts(set.override)),
          flags: texts(set.flag).map(([key, value]) => ({ flag: `--${key}`, key, value })),
        })
        for (const key of Object.keys(KEYS)) {
          if (!isKey(key)) continue
          const winner = LAYERS.findLast((layer) => set[layer][key] !== undefined)
          expect(valueAt(config, key), key).toEqual(winner ? set[winner][key] : DEFAULTS[key])
          const unset = winner === undefined && DEFAULTS[key] === undefined
          expect(origins.get(key)?.kind, key).toBe(unset ? undefined : (winner ?? 'default'))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes lists as a whole and merges maps key by key', () => {
    workIn(testFolder())
    const file = configFile(`
input: { tables: { dim_npi: a.parquet, dim_code: b.parquet } }
partitioning: { partition_columns: [state, year, month] }
environments:
  small:
    input: { tables: { dim_npi: c.parquet } }
    partitioning: { partition_columns: [state] }
`)
    const { config } = loadConfig({ file, environment: 'small', env: {} })
    expect(config.input.tables).toEqual({ dim_npi: 'c.parquet', dim_code: 'b.parquet' })
    expect(config.partitioning.partition_columns).toEqual(['state'])
  })

  it('takes file and environment from --config and --environment before ETL3_CONFIG and ETL3_ENVIRONMENT', () => {
    workIn(testFolder())
    const [one, two] = ['one', 'two'].map((name) =>
      configFile(`environments: { a: { output: { uri: ${name}-a } }, b: { output: { uri: ${name}-b } } }`),
    )
    const env = { ETL3_CONFIG: one, ETL3_ENVIRONMENT: 'a' }
    expect(loadConfig({ env }).config.output.uri).toBe('one-a')
    expect(loadConfig({ env, file: two }).config.output.uri).toBe('two-a')
    expect(loadConfig({ env, environment: 'b' }).config.output.uri).toBe('one-b')
  })

  it('counts a variable that is empty as unset', () => {
    const file = configFile('processing: { chunk_size: 7 }')
    const { config, origins } = loadConfig({ file, env: { ETL3_PROCESSING_CHUNK_SIZE: '', ETL3_ENVIRONMENT: '' } })
    expect(config.processing.chunk_size).toBe(7)
    expect(origins.get('processing.chunk_size')).toEqual({ kind: 'file', file, line: 1, column: 27 })
  })

  it('uses config/etl3.yaml of the working directory when none is named, and says so when there is none', () => {
    const folderOfFile = join(configFile('logging: { keep: 9 }'), '..', '..')
    workIn(folderOfFile)
    const found = loadConfig({ env: {} })
    expect(found).toMatchObject({ file: 'config/etl3.yaml', notices: [], config: { logging: { keep: 9 } } })

    process.chdir(testFolder())
    const missing = loadConfig({ env: {} })
    expect(missing.file).toBeUndefined()
    expect(missing.notices).toEqual(['there is no config/etl3.yaml, so the built-in values are used'])
    expect(missing.config.logging.keep).toBe(3)
  })

  it('ignores a variable of somebody else, and says so', () => {
    const file = configFile('')
    const { notices } = loadConfig({ file, env: { ETL3_MY_OWN_SCRIPT: '1', ETL3_PYTHON: 'python3', OTHER: 'x' } })
    expect(notices).toEqual(['the variable ETL3_MY_OWN_SCRIPT is not a configuration key and is ignored'])
  })

  it('refuses text that is no number, and takes the usual ways to write one', () => {
    const file = configFile('')
    const chunk = (text: string): number =>
      loadConfig({ file, env: { ETL3_PROCESSING_CHUNK_SIZE: text } }).config.processing.chunk_size
    expect([chunk('500'), chunk(' 500 '), chunk('5e2'), chunk('+500')]).toEqual([500, 500, 500, 500])
    for (const wrong of ['500 MB', '0x10', 'Infinity', '1_000', '-', '1.5']) {
      expect(() => chunk(wrong), wrong).toThrow(InvalidConfig)
    }
  })
})

function isKey(key: string): key is Key {
  return key in KEYS
}

function nested(set: Values): Record<string, unknown> {
  const root: Record<string, Record<string, unknown>> = {}
  for (const [key, value] of Object.entries(set)) {
    const [section = '', ...rest] = key.split('.')
    const [first = '', ...below] = rest
    root[section] ??= {}
    root[section][first] = below.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
  }
  return root
}

function texts(set: Values): [string, string][] {
  return Object.entries(set).map(([key, value]) => [key, Array.isArray(value) ? value.join(',') : String(value)])
}

function variable(key: string): string {
  return `ETL3_${key.replaceAll('.', '_').toUpperCase()}`
}
