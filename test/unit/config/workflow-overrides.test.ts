import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { withPathsFrom } from '../../../src/config/project.js'
import { overridesOf, resolveInput } from '../../../src/config/workflow-overrides.js'
import { ConfigError } from '../../../src/runtime/errors.js'
import { configFile, testFolder, workIn } from './config-file.js'

describe('the configuration that a workflow gets', () => {
  const text = 'processing: { chunk_size: 100, max_workers: 2 }\nenvironments: { e: { processing: { audit: full } } }'

  it('is the one of the command that started it, whatever variables the worker has', () => {
    const folder = testFolder()
    workIn(folder)
    const file = configFile(text)
    const here = loadConfig({
      file,
      environment: 'e',
      env: { ETL3_OUTPUT_URI: 'mine', ETL3_PARTITIONING_PARTITION_COLUMNS: 'state,year' },
      flags: [{ flag: '--memory-limit', key: 'processing.memory_limit_mb', value: '512' }],
    })
    const input = { config: file, environment: 'e', overrides: overridesOf(here) }
    const there = resolveInput(JSON.parse(JSON.stringify(input)), {
      ETL3_OUTPUT_URI: 'theirs',
      ETL3_PROCESSING_CHUNK_SIZE: '7',
      ETL3_ENVIRONMENT: 'nowhere',
      ETL3_CONFIG: 'nowhere.yaml',
    })
    expect(there.config).toEqual(withPathsFrom(folder, here.config, () => true))
    expect(there.config).toMatchObject({
      output: { uri: join(folder, 'mine') },
      partitioning: { partition_columns: ['state', 'year'] },
      processing: { chunk_size: 100, audit: 'full', memory_limit_mb: 512 },
    })
  })

  it('is the same also when the command has neither flags nor variables', () => {
    const file = configFile(text)
    const project = dirname(dirname(file))
    const overrides = overridesOf(loadConfig({ file, env: {} }))
    expect(overrides).toEqual({})
    expect(resolveInput({ config: file, overrides }, { ETL3_OUTPUT_URI: 'theirs' }).config.output.uri).toBe(
      join(project, 'lake/partitioned-data/'),
    )
  })

  it("follows the worker's variables when the input was written by hand", () => {
    const file = configFile(text)
    const env = { ETL3_OUTPUT_URI: 'theirs', ETL3_ENVIRONMENT: 'e' }
    expect(resolveInput({ config: file }, env).config).toMatchObject({
      output: { uri: resolve('theirs') },
      processing: { audit: 'full' },
    })
    expect(resolveInput({}, { ...env, ETL3_CONFIG: file }).config.processing.chunk_size).toBe(100)
  })

  it('is refused where the table would lie elsewhere than the command means', () => {
    const file = configFile('output: { uri: table }')
    const mine = join(dirname(dirname(file)), 'table')
    expect(resolveInput({ config: file, outputUri: mine, overrides: {} }, {}).config.output.uri).toBe(mine)
    expect(() => resolveInput({ config: file, outputUri: '/elsewhere/table', overrides: {} }, {})).toThrow(
      expect.objectContaining({
        code: 'ETL3-CF-15',
        message: expect.stringContaining(`worker=${mine}, command=/elsewhere/table`),
      }),
    )
  })

  it('leaves out how each process reaches Temporal and where it logs', () => {
    const file = configFile('')
    const env = {
      ETL3_TEMPORAL_ADDRESS: 'a:1',
      ETL3_TEMPORAL_NAMESPACE: 'n',
      ETL3_TEMPORAL_TASK_QUEUE: 'q',
      ETL3_TEMPORAL_CONNECT_TIMEOUT_MS: '200',
      ETL3_LOGGING_FILE: 'l',
      ETL3_LOGGING_LEVEL: 'debug',
      ETL3_LOGGING_MAX_SIZE_MB: '5',
      ETL3_LOGGING_KEEP: '5',
      ETL3_OUTPUT_URI: 'x',
    }
    expect(overridesOf(loadConfig({ file, env }))).toEqual({ 'output.uri': resolve('x') })
  })

  it('is refused with what was meant where its input has a key that is not known, or a wrong value', () => {
    const problems = (input: object): string => {
      try {
        resolveInput(input, {})
      } catch (error) {
        return error instanceof ConfigError ? `${error.code}: ${error.message}` : String(error)
      }
      return 'none'
    }
    expect(problems({ confg: 'c.yaml' })).toBe(
      'ETL3-CF-16: the input of the workflow is wrong: there is no key "confg" (did you mean config?)',
    )
    expect(problems({ mode: 'validte' })).toContain(
      'mode is "validte", expected one of run, validate, plan (did you mean validate?)',
    )
    expect(problems({ config: 7, outputURI: '/x' })).toMatch(
      /config is 7, which is of the wrong form; there is no key "outputURI" \(did you mean outputUri\?\)/,
    )
    expect(problems({ overrides: { 'processing.chunk_size': [1] } })).toContain(
      'overrides.processing.chunk_size is [1]',
    )
    expect(problems(['c.yaml'])).toContain('it is ["c.yaml"], expected a map')
  })

  it('refuses an override that is no key, or has the wrong form', () => {
    const file = configFile('')
    expect(() => resolveInput({ config: file, overrides: { 'processing.chunk': 1 } }, {})).toThrow(
      /overrides: unknown key processing.chunk/,
    )
    expect(() => resolveInput({ config: file, overrides: { 'processing.chunk_size': true } }, {})).toThrow(
      /processing.chunk_size is true/,
    )
  })
})
