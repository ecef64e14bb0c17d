import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { findProjectFile } from '../../../src/config/project.js'
import type { Config } from '../../../src/config/schema.js'
import { testFolder, workIn } from './config-file.js'

const TEXT = `
input: { root: star, tables: { dim_npi: 's3://bucket/npi.parquet', dim_code: /abs/code.parquet, fact_rate: 'f/*.parquet' } }
output: { uri: out/, analytics: { uri: fast/ } }
notify: { command: [./tell.sh, ./its-argument] }
environments: { e: { output: { metadata_uri: ../beside } } }
`

/** A project with its file at a place of it. */
function project(file: string, text = TEXT): string {
  const folder = testFolder()
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
  return folder
}

const placesOf = ({ input, output, processing, logging, notify }: Config) => ({
  root: input.root,
  tables: input.tables,
  uri: output.uri,
  metadata: output.metadata_uri,
  analytics: output.analytics.uri,
  scratch: processing.scratch,
  log: logging.file,
  command: notify.command,
})

describe('relative paths of a configuration file', () => {
  it.each(['config/etl3.yaml', 'my.yaml'])('of %s count from its project, wherever the command is called', (file) => {
    const folder = project(file)
    workIn(testFolder())
    const { config } = loadConfig({ file: join(folder, file), environment: 'e', env: {} })
    expect(placesOf(config)).toEqual({
      root: join(folder, 'star'),
      tables: {
        dim_npi: 's3://bucket/npi.parquet',
        dim_code: '/abs/code.parquet',
        fact_rate: join(folder, 'f/*.parquet'),
      },
      uri: join(folder, 'out/'),
      metadata: join(dirname(folder), 'beside'),
      analytics: join(folder, 'fast/'),
      // Defaults lie beside the file's own places.
      scratch: join(folder, '.etl3/scratch'),
      log: join(folder, 'logs/etl3.log'),
      command: [join(folder, 'tell.sh'), './its-argument'],
    })
  })

  it('stay as they are written in the project itself', () => {
    workIn(project('config/etl3.yaml'))
    const { config } = loadConfig({ env: {} })
    expect(config).toMatchObject({
      input: { root: 'star' },
      output: { uri: 'out/' },
      logging: { file: 'logs/etl3.log' },
    })
  })

  it('of variables and overrides count from the working directory', () => {
    const folder = project('config/etl3.yaml')
    workIn(testFolder())
    const { config } = loadConfig({
      file: join(folder, 'config/etl3.yaml'),
      env: { ETL3_INPUT_ROOT: 'mine', ETL3_LOGGING_FILE: 'my.log' },
      overrides: { 'output.uri': 'over' },
    })
    expect(config).toMatchObject({ input: { root: 'mine' }, output: { uri: 'over' }, logging: { file: 'my.log' } })
  })

  it('name one place, also where the project is reached by a link', () => {
    const folder = project('config/etl3.yaml')
    const link = join(testFolder(), 'link')
    symlinkSync(folder, link)
    workIn(testFolder())
    const { config } = loadConfig({ file: join(link, 'config/etl3.yaml'), env: {} })
    expect(config.output.uri).toBe(join(folder, 'out/'))
  })
})

describe('a configuration that nobody names', () => {
  it('is found in the folders above the working directory, the nearest first', () => {
    const folder = project('config/etl3.yaml')
    const inner = join(folder, 'a/b')
    mkdirSync(join(inner, 'c'), { recursive: true })
    workIn(join(inner, 'c'))
    expect(loadConfig({ env: {} })).toMatchObject({
      file: join(folder, 'config/etl3.yaml'),
      config: { output: { uri: join(folder, 'out/') } },
      notices: [],
    })
    mkdirSync(join(inner, 'config'))
    writeFileSync(join(inner, 'config/etl3.yaml'), 'output: { uri: nearer }')
    expect(loadConfig({ env: {} }).config.output.uri).toBe(join(inner, 'nearer'))
  })

  it('is passed over above where somebody else owns it: it could name programs to be run', () => {
    const folder = project('config/etl3.yaml')
    mkdirSync(join(folder, 'below'))
    workIn(join(folder, 'below'))
    const refused = findProjectFile(() => false)
    expect(refused).toEqual({ file: undefined, refused: join(folder, 'config/etl3.yaml') })
    process.chdir(folder)
    expect(findProjectFile(() => false).file).toBe('config/etl3.yaml')
  })
})
