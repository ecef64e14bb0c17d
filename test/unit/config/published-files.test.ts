import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { jsonSchemaText } from '../../../src/config/json-schema.js'
import { configKeys, RESERVED_VARIABLES } from '../../../src/config/keys.js'
import { loadConfig, valueAt } from '../../../src/config/load.js'
import { type Config, configSchema } from '../../../src/config/schema.js'
import { configFile } from './config-file.js'

describe('config/etl3.schema.json', () => {
  it("is what 'etl3 config schema' prints", () => {
    expect(readFileSync('config/etl3.schema.json', 'utf8')).toBe(jsonSchemaText())
  })

  it('allows the sections at the top and in each environment, and nothing else', () => {
    const schema = JSON.parse(readFileSync('config/etl3.schema.json', 'utf8'))
    const sections = [
      'input',
      'output',
      'processing',
      'partitioning',
      'athena',
      's3',
      'data_quality',
      'temporal',
      'logging',
      'notify',
      'metrics',
    ]
    expect(Object.keys(schema.properties)).toEqual([...sections, 'environments'])
    expect(schema.additionalProperties).toBe(false)
    expect(Object.keys(schema.$defs.environment.properties)).toEqual(sections)
    expect(schema.properties.processing.properties.chunk_size).toMatchObject({ type: 'integer', default: 1000 })
    expect(schema.properties.partitioning.properties.partition_columns.uniqueItems).toBe(true)
  })
})

describe('config/etl3.yaml', () => {
  const builtIn = (): Config => configSchema.parse({})

  it('says what the built-in values are, key by key', () => {
    const { config, origins } = loadConfig({ file: 'config/etl3.yaml', env: {} })
    expect(config).toEqual(builtIn())
    const unsaid = [...origins].filter(([, origin]) => origin.kind === 'default').map(([key]) => key)
    expect(unsaid).toEqual([])
  })

  it('has environments that can be used', () => {
    const written: unknown = parse(readFileSync('config/etl3.yaml', 'utf8'))
    expect(written).toMatchObject({ environments: { development: {}, staging: {}, production: {} } })
    for (const environment of ['development', 'staging', 'production']) {
      const { config } = loadConfig({ file: 'config/etl3.yaml', environment, env: {} })
      expect(config, environment).not.toEqual(builtIn())
    }
  })

  it('points editors to the schema beside it', () => {
    expect(readFileSync('config/etl3.yaml', 'utf8').split('\n')[0]).toContain('$schema=./etl3.schema.json')
  })
})

describe('config/etl3.aws.yaml', () => {
  it('is valid, lies on S3 wholly, and so does each environment', () => {
    for (const environment of [undefined, 'development', 'production']) {
      const { config } = loadConfig({ file: 'config/etl3.aws.yaml', environment, env: {} })
      const { input, output, athena } = config
      for (const uri of [input.root, output.uri, output.metadata_uri, athena.output_location])
        expect(uri).toMatch(/^s3:\/\//)
    }
  })
})

describe('the keys', () => {
  it('have a variable each, and none is a reserved one', () => {
    const { byKey, byVariable } = configKeys()
    expect(byVariable.size).toBe(byKey.size)
    expect(byVariable.get('ETL3_PROCESSING_CHUNK_SIZE')?.key).toBe('processing.chunk_size')
    expect(byVariable.get('ETL3_INPUT_TABLES_FACT_RATE')?.key).toBe('input.tables.fact_rate')
    for (const variable of RESERVED_VARIABLES) expect(byVariable.has(variable), variable).toBe(false)
  })

  it("are those of quality rules of one's own too, with the place where they stand", () => {
    const rules = 'own: { kind: sql, sql: SELECT 1 }, rate_range: { max: 5 }'
    const { config, origins } = loadConfig({ file: configFile(`data_quality: { rules: { ${rules} } }`), env: {} })
    expect(origins.get('data_quality.rules.own.sql')).toMatchObject({ kind: 'file', line: 1 })
    expect(origins.get('data_quality.rules.own.timeout_ms')).toEqual({ kind: 'default' })
    expect(valueAt(config, 'data_quality.rules.own.sql')).toBe('SELECT 1')
    expect(valueAt(config, 'data_quality.rules.rate_range')).toMatchObject({ min: 0.01, max: 5, max_share: 0.01 })
  })

  it('are all that a configuration holds', () => {
    const { config, origins } = loadConfig({ file: configFile(''), env: {} })
    const leaves = (value: unknown, path: string): string[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([name, item]) => leaves(item, path === '' ? name : `${path}.${name}`))
        : [path]
    expect([...origins.keys()].sort()).toEqual(leaves(config, '').sort())
    expect(valueAt(config, 'processing.nothing')).toBeUndefined()
  })
})
