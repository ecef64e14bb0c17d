import { describe, expect, it } from 'vitest'
import { type LoadOptions, loadConfig } from '../../../src/config/load.js'
import { InvalidConfig, problemText } from '../../../src/config/problems.js'
import { ConfigError } from '../../../src/runtime/errors.js'
import { configFile, testFolder, workIn } from './config-file.js'

/** The problems of a file as lines, its path cut off. */
function problemsOf(text: string, options: Omit<LoadOptions, 'env' | 'file'> & { env?: Record<string, string> } = {}) {
  const file = configFile(text)
  try {
    loadConfig({ env: {}, ...options, file })
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems.map((one) => problemText(one).replaceAll(file, 'f'))
    throw error
  }
  return []
}

describe('a wrong configuration', () => {
  it('is told all at once, each problem with line, column, what was found and what is expected', () => {
    const text = [
      'processing:', // 1
      '  chunk_size: many', // 2
      '  memory_limit_mb: 1.5', // 3
      '  max_workers: 65', // 4
      'output: lake', // 5
      'athena: { table: Bad-Name }', // 6
      'partitioning:', // 7
      '  partition_columns: [state, 3]', // 8
      'environments:', // 9
      '  prod:', // 10
      '    logging: { level: loud }', // 11
      '',
    ].join('\n')
    expect(problemsOf(text)).toEqual([
      'f:2:15: processing.chunk_size is "many", expected a whole number from 1 to 10000000',
      'f:3:20: processing.memory_limit_mb is 1.5, expected a whole number from 1 to 1048576',
      'f:4:16: processing.max_workers is 65, expected a whole number from 1 to 64',
      'f:5:9: output is "lake", expected a map of keys and values',
      'f:6:18: athena.table is "Bad-Name", expected a text that matches ^[a-z0-9_]+$',
      'f:8:30: partitioning.partition_columns.1 is 3, expected a text that is not empty',
      'f:11:23 (environment prod): logging.level is "loud", expected one of debug, info, warn, error',
    ])
  })

  it('counts file, variables, overrides and flags together, and names each of them', () => {
    const found = problemsOf('logging: { keep: 0 }', {
      env: { ETL3_PROCESSING_CHUNK_SIZE: 'x' },
      overrides: { 'processing.audit': 'half', 'processing.max_worker': 2 },
      flags: [{ flag: '--memory-limit', key: 'processing.memory_limit_mb', value: 'lots' }],
    })
    expect(found).toHaveLength(5)
    expect(found).toEqual(
      expect.arrayContaining([
        'f:1:18: logging.keep is 0, expected a whole number from 1 to 1000',
        'ETL3_PROCESSING_CHUNK_SIZE: processing.chunk_size is "x", expected a whole number from 1 to 10000000',
        'overrides of the workflow input: processing.audit is "half", expected one of sample, full',
        'overrides: unknown key processing.max_worker; did you mean processing.max_workers?',
        '--memory-limit: processing.memory_limit_mb is "lots", expected a whole number from 1 to 1048576',
      ]),
    )
  })

  it('suggests what was probably meant', () => {
    const text = [
      'procesing: { chunk_size: 1 }',
      'processing: { chunksize: 1, audit: ful }',
      'chunk_size: 5',
      'input: { tables: { fact_rates: x } }',
      'enviroments: {}',
      'entirely_different: 1',
      '',
    ].join('\n')
    expect(problemsOf(text)).toEqual([
      'f:1:1: unknown key procesing; did you mean processing?',
      'f:2:15: unknown key processing.chunksize; did you mean processing.chunk_size?',
      'f:2:36: processing.audit is "ful", expected one of sample, full; did you mean full?',
      'f:3:1: unknown key chunk_size; did you mean processing.chunk_size?',
      'f:4:20: unknown key input.tables.fact_rates; did you mean input.tables.fact_rate?',
      'f:5:1: unknown key enviroments; did you mean environments?',
      'f:6:1: unknown key entirely_different',
    ])
  })

  it('suggests the variable that was probably meant, also for a section that has no such key', () => {
    expect(
      problemsOf('', { env: { ETL3_PROCESSING_CHUNKSIZE: '5', ETL3_ENVIROMENT: 'a', ETL3_OUTPUT_FORMAT: 'x' } }),
    ).toEqual([
      'ETL3_ENVIROMENT: no such configuration key; did you mean ETL3_ENVIRONMENT?',
      'ETL3_OUTPUT_FORMAT: no such configuration key; did you mean ETL3_OUTPUT_URI?',
      'ETL3_PROCESSING_CHUNKSIZE: no such configuration key; did you mean ETL3_PROCESSING_CHUNK_SIZE?',
    ])
  })

  it('finds what is wrong in environments that nobody asked for', () => {
    const text = 'environments:\n  a: {}\n  b:\n    processing: { chunk_size: 0, foo: 1 }\n'
    expect(problemsOf(text, { environment: 'a' })).toEqual([
      'f:4:31 (environment b): processing.chunk_size is 0, expected a whole number from 1 to 10000000',
      'f:4:34 (environment b): unknown key processing.foo',
    ])
  })

  it('names the environments that there are', () => {
    expect(problemsOf('environments: { prod: {}, test: {} }', { environment: 'prd' })).toEqual([
      '--environment: there is no environment "prd" in f (it defines prod, test); did you mean prod?',
    ])
    expect(problemsOf('', { env: { ETL3_ENVIRONMENT: 'prod' } })).toEqual([
      'ETL3_ENVIRONMENT: there is no environment "prod" in f (it defines none)',
    ])
  })

  it('finds what only the combination of layers makes wrong', () => {
    const text = 'data_quality: { rules: { rate_range: { max: 10 } } }'
    expect(problemsOf(text)).toEqual([])
    expect(problemsOf(text, { env: { ETL3_DATA_QUALITY_RULES_RATE_RANGE_MIN: '11' } })).toEqual([
      'f:1:45: data_quality.rules.rate_range.max: the highest value is below the lowest',
    ])
  })

  it('says where a key of a quality rule has gone to', () => {
    expect(problemsOf('data_quality: { rate_range: { max: 10 } }')).toEqual([
      'f:1:17: unknown key data_quality.rate_range; did you mean data_quality.rules.rate_range?',
    ])
  })

  it("takes a rule without a kind for a slip in another one's name, and refuses wrong rules of one's own", () => {
    const rules = (text: string): string[] => problemsOf(`data_quality: { rules: { ${text} } }`)
    expect(rules('rate_rnge: { max: 10 }')).toEqual([
      'f:1:37: data_quality.rules.rate_rnge.kind: a rule that is not on by default says its kind; did you mean data_quality.rules.rate_range?',
    ])
    expect(rules('own: { kind: range, column: latitude, min: 0 }').join()).toContain('data_quality.rules.own.max')
    expect(rules('own: { kind: sql, sql: SELECT 1, timeout: 1 }').join()).toContain('unknown key')
    expect(rules('Own: { kind: unique }').join()).toContain('small letters')
    expect(rules('partition_rows: { min_rows_per_partition: 5, max_rows_per_partition: 4 }').join()).toContain('fewer')
    expect(rules('required: { severity: off }').join()).toContain('expected one of error, warn')
    expect(rules('own: { kind: sql, sql: "SELECT 1", severity: off }, zero_rate: { severity: off }')).toEqual([])
  })

  it('names the partition columns that stand in the list twice', () => {
    expect(problemsOf('partitioning: { partition_columns: [year, state, year, state, month] }')).toEqual([
      'f:1:36: partitioning.partition_columns: year, state may stand in the list only once',
    ])
  })

  it('points at the variable, not at the list of the file that it replaces', () => {
    const text = 'partitioning: { partition_columns: [a, b] }'
    expect(problemsOf(text, { env: { ETL3_PARTITIONING_PARTITION_COLUMNS: 'x,,y' } })).toEqual([
      'ETL3_PARTITIONING_PARTITION_COLUMNS: partitioning.partition_columns.1 is "", expected a text that is not empty',
    ])
  })

  it('shows control sequences in values instead of obeying them', () => {
    const [problem = ''] = problemsOf('processing: { audit: "\\e[2Jx" }')
    expect(problem).toContain('\\u001b[2Jx')
    expect(problem).not.toContain('\u001B')
  })

  it('refuses texts that no file can hold: a NUL, half of a surrogate pair', () => {
    const text = [
      'input: { root: "a\\ud800" }',
      'data_quality: { rules: { mine: { kind: allowed, column: code, values: [a, "b\\0"] } } }',
    ].join('\n')
    expect(problemsOf(text)).toEqual([
      'f:1:16: input.root: the text holds an unpaired surrogate',
      'f:2:75: data_quality.rules.mine.values.1: the text holds a NUL',
    ])
    expect(problemsOf('input: { root: "\\ufeffa \\U0001F3E5" }')).toEqual([])
  })

  it('takes a key __proto__ for an unknown key', () => {
    expect(problemsOf('__proto__: { chunk_size: 1 }\nprocessing: { __proto__: 1 }\n')).toEqual([
      'f:1:1: unknown key __proto__',
      'f:2:15: unknown key processing.__proto__',
    ])
  })
})

describe('a file that is no configuration', () => {
  it('is told with each place where the YAML is broken', () => {
    const found = problemsOf('output: { uri: a\nlogging: [1\n')
    expect(found.length).toBeGreaterThan(0)
    for (const problem of found) expect(problem).toMatch(/^f:\d+:\d+: not valid YAML: \S/)
  })

  it('is told for an alias to what it stands in', () => {
    expect(problemsOf('data_quality: &rules\n  rules: *rules\n')).toEqual([
      'f:2:10: not valid YAML: the alias *rules stands within what it names',
    ])
    expect(problemsOf('a: &a\n  - b: [*a]\n').join()).toContain('f:2:9: ')
  })

  it('is told for aliases that stand for millions of values', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(10)}]`)
    const maps = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} {a: *l${i}, b: *l${i}, c: *l${i}, d: *l${i}}`,
    )
    for (const bomb of [levels, maps]) {
      const told = problemsOf(['l0: &l0 x', ...bomb].join('\n'))
      expect(told.join()).toMatch(/^f:[4-9]:\d+: not valid YAML: aliases stand for more than 10000 values$/)
    }
  })

  it('is none for a few hundred aliases', () => {
    const values = `values: [${'*s, '.repeat(300)}]`
    const rule = `{kind: allowed, column: &s state, ${values}}`
    expect(problemsOf(`data_quality:\n  rules:\n    own: ${rule}\n`)).toEqual([])
  })

  it('is told in time for a file that is very long, or very deep, with the line', () => {
    const begun = process.cpuUsage()
    const many = Array.from({ length: 40_000 }, (_, i) => `k${i}: v`).join('\n')
    expect(problemsOf(many).length).toBeGreaterThan(10_000)
    const long = Array.from({ length: 200_000 }, (_, i) => `k${i}: v`).join('\n')
    expect(problemsOf(long).join()).toMatch(/^f:105427:1: the file goes on beyond 1024 KiB/)
    expect(problemsOf(`a:\n  ${'['.repeat(5_000)}`).join()).toMatch(/f:2:\d+: not valid YAML/)
    // Of the processor: other tests take theirs meanwhile.
    const { user, system } = process.cpuUsage(begun)
    expect((user + system) / 1000).toBeLessThan(30_000)
  })

  it('is told for a key that stands there twice', () => {
    expect(problemsOf('output: { uri: a }\noutput: { uri: b }\n')).toEqual([
      'f:2:1: not valid YAML: Map keys must be unique',
    ])
  })

  it('is told for a file that is a list or a text', () => {
    expect(problemsOf('- a\n')).toEqual(['f:1:1: the file must be a map of sections'])
    expect(problemsOf('environments: prod\n')).toEqual(['f:1:15: environments must be a map of sections'])
    expect(problemsOf('environments: { prod: 1 }\n')).toEqual(['f:1:23: environments.prod must be a map of sections'])
  })

  it('may be empty, and so may its sections', () => {
    expect(problemsOf('')).toEqual([])
    expect(problemsOf('# nothing\n')).toEqual([])
    expect(problemsOf('input:\nprocessing:\n  # chunk_size: 5\nenvironments:\n  prod:\n    output:\n')).toEqual([])
  })

  it('may use anchors and aliases', () => {
    workIn(testFolder())
    const file = configFile(
      'processing: &p { chunk_size: 5 }\nenvironments: { one: { processing: *p, output: { uri: &u x, metadata_uri: *u } } }\n',
    )
    const { config } = loadConfig({ file, environment: 'one', env: {} })
    expect(config.processing.chunk_size).toBe(5)
    expect(config.output.metadata_uri).toBe('x')
  })

  it('is an error with exit code 2 when it was named and is not there, or cannot be read', () => {
    const folder = testFolder()
    const codeOf = (file: string): unknown => {
      try {
        loadConfig({ file, env: {} })
      } catch (error) {
        return error instanceof ConfigError ? [error.code, error.exitCode] : error
      }
      return undefined
    }
    expect(codeOf(`${folder}/nope.yaml`)).toEqual(['ETL3-CF-02', 2])
    expect(codeOf(folder)).toEqual(['ETL3-CF-03', 2])
  })
})
