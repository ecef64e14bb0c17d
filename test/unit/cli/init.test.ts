import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { loadConfig } from '../../../src/config/load.js'
import { configTemplate, processingFor } from '../../../src/config/template.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

/** Calls init in a folder of its own; `answers` are typed at a terminal. */
async function init(argv: readonly string[], answers?: readonly string[]) {
  const folder = testFolder()
  workIn(folder)
  return { folder, ...(await initHere(argv, answers)) }
}

async function initHere(argv: readonly string[], answers?: readonly string[]) {
  const questions: string[] = []
  const left = [...(answers ?? [])]
  const ask = async (question: string): Promise<string> => {
    questions.push(question)
    return left.shift() ?? ''
  }
  const io = Object.assign(new FakeIo(), answers ? { ask } : {})
  const code = await main(['init', ...argv], io, fakeServices(undefined))
  return { code, out: io.stdout.text, err: io.stderr.text, questions }
}

describe('init', () => {
  it('asks three questions on a terminal and writes what was answered', async () => {
    const { code, out, questions } = await init([], ['/data/my star', 's3://bucket/rates', '8'])
    expect(code).toBe(0)
    expect(questions).toHaveLength(3)
    const { config } = loadConfig({ file: 'config/etl3.yaml', env: {} })
    expect(config.input.root).toBe('/data/my star')
    expect(config.output).toMatchObject({
      uri: 's3://bucket/rates/partitioned-data/',
      metadata_uri: 's3://bucket/rates/etl3/',
    })
    expect(config.processing.memory_limit_mb).toBe(2048)
    expect(config.athena).toMatchObject({
      workgroup: 'primary',
      region: 'us-east-1',
      output_location: 's3://bucket/rates/athena-results/',
    })
    expect(out).toContain('etl3 doctor')
    expect(out).toContain('etl3 plan --advise')
  })

  it('takes what is suggested where no answer is given, and asks nothing that a flag says', async () => {
    const { code, questions } = await init(['--input', 'star', '--machine-memory', '4'], [''])
    expect(code).toBe(0)
    expect(questions).toEqual(['Where does the lake go (folder or s3://…)? [lake/] '])
    const { config } = loadConfig({ file: 'config/etl3.yaml', env: {} })
    expect(config.output.uri).toBe('lake/partitioned-data/')
    expect(config.processing).toMatchObject({ memory_limit_mb: 1024, max_workers: 1, chunk_size: 1000 })
  })

  it('asks nothing where nobody can answer', async () => {
    const { code, folder } = await init(['--config', 'my.yaml', '-o', 'json'])
    expect(code).toBe(0)
    expect(existsSync(join(folder, 'my.yaml'))).toBe(true)
  })

  it('says which values it took, also where it asked nothing', async () => {
    const { out } = await init(['--lake', 's3://bucket/rates', '--machine-memory', '4'])
    const { config } = loadConfig({ file: 'config/etl3.yaml', env: {} })
    const { memory_limit_mb, max_workers, chunk_size } = config.processing
    expect(out).toContain(`
  star    data
  lake    s3://bucket/rates/
  memory  limit ${memory_limit_mb} MB, workers ${max_workers}, chunk ${chunk_size} rows (a machine of 4 GB)
`)
  })

  it('leaves a file that is there, unless --yes is given', async () => {
    workIn(testFolder())
    const file = configFile('input: { root: mine }\n')
    const refused = await initHere(['--config', file], ['', '', ''])
    expect(refused).toMatchObject({ code: 2, out: '', questions: [] })
    expect(refused.err).toContain('[ETL3-CL-07]')
    expect(readFileSync(file, 'utf8')).toBe('input: { root: mine }\n')
    expect((await initHere(['--config', file, '--yes'])).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('root: data')
  })

  describe('where more files of facts lie beside the one under the root', () => {
    function star(): string {
      const folder = testFolder()
      mkdirSync(join(folder, 'star/gold'), { recursive: true })
      for (const name of ['fact_rate', 'fact_rate_2']) writeFileSync(join(folder, `star/gold/${name}.parquet`), 'PAR1')
      workIn(folder)
      return folder
    }
    const tables = () => loadConfig({ file: 'config/etl3.yaml', env: {} }).config.input.tables

    it('proposes their pattern, and takes it on a yes', async () => {
      const folder = star()
      const { code, questions } = await initHere([], ['star', '', '', 'yes'])
      expect(code).toBe(0)
      expect(questions[3]).toContain(`${folder}/star/gold also holds fact_rate_2.parquet`)
      expect(tables()).toEqual({ fact_rate: 'star/gold/fact_rate*.parquet' })
    })

    it('names them and does not take them where nobody says yes', async () => {
      for (const answers of [['star', '', '', ''], undefined]) {
        star()
        const { err, out } = await initHere(['--input', 'star', '-o', 'json', ...(answers ? ['--yes'] : [])], answers)
        const words = "set input.tables.fact_rate to 'star/gold/fact_rate*.parquet'"
        expect(err).toContain(words)
        expect(JSON.parse(out)).toMatchObject({ leftOut: [expect.stringContaining(words)] })
        expect(tables()).toEqual({})
      }
    })
  })

  it('writes what was typed so that it counts from the project of the file', async () => {
    const { folder } = await init(['--config', 'other/my.yaml', '--input', 'star', '--lake', 's3://b/l/'])
    const { config } = loadConfig({ file: 'other/my.yaml', env: {} })
    expect(config.input.root).toBe(join(folder, 'star'))
    expect(config.output.uri).toBe('s3://b/l/partitioned-data/')
    await initHere(['--config', 'third/config/my.yaml', '--lake', 'lake/'])
    expect(loadConfig({ file: 'third/config/my.yaml', env: {} }).config.output.uri).toBe(
      join(folder, 'lake/partitioned-data/'),
    )
  })

  it('refuses a memory that is none', async () => {
    const { code, err } = await init(['--machine-memory', 'much'])
    expect(code).toBe(2)
    expect(err).toContain('expected a number of GB')
  })

  it.each(["it's", 'a: b', '#x', '007', 'true', '- x', '{a}', '"q"', 'C:\\data', 'ünï/ cöde '])(
    'writes the place %j so that YAML reads it back',
    (place) => {
      workIn(testFolder())
      const text = configTemplate({ input: place, lake: `${place}/lake`, machineMemoryMb: 4096, cores: 2 })
      const { config } = loadConfig({ file: configFile(text), env: {} })
      expect(config.input.root).toBe(place)
      expect(config.output.uri).toBe(`${place}/lake/partitioned-data/`)
    },
  )

  it('gives each worker a gigabyte and two cores', () => {
    const of = (gb: number, cores: number) => processingFor({ machineMemoryMb: gb * 1024, cores })
    expect(of(2, 2)).toEqual({ memory_limit_mb: 512, max_workers: 1, chunk_size: 500 })
    expect(of(8, 8)).toEqual({ memory_limit_mb: 2048, max_workers: 2, chunk_size: 2000 })
    expect(of(16, 2)).toEqual({ memory_limit_mb: 4096, max_workers: 1, chunk_size: 2000 })
    expect(of(16, 8)).toEqual({ memory_limit_mb: 4096, max_workers: 4, chunk_size: 2000 })
    expect(of(16, 1)).toEqual({ memory_limit_mb: 4096, max_workers: 1, chunk_size: 2000 })
  })
})
