import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { exitCodeOfFindings, type Finding, memory, nodeVersion } from '../../../src/cli/doctor/checkup.js'
import { configSchema } from '../../../src/config/schema.js'
import { writeStar } from '../../stars/star.js'
import { tinyStar } from '../../stars/tiny-star.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

async function doctor(config: string, ...argv: string[]): Promise<{ code: number; checks: Finding[]; text: string }> {
  const io = new FakeIo({ PATH: '/nowhere', ETL3_CACHE_DIR: '/nowhere' })
  const code = await main(['doctor', '-o', 'json', ...argv, '-c', configFile(config)], io, fakeServices(undefined))
  return { code, checks: JSON.parse(io.stdout.text).checks, text: io.stderr.text }
}

const verdicts = (checks: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(checks.map(({ check, verdict }) => [check, verdict]))

describe('doctor', () => {
  it('names the input tables that are missing and the way to mend it, as exit code 2', async () => {
    workIn(testFolder())
    const { code, checks } = await doctor('input: { root: nothing }\n')
    expect(code).toBe(2)
    expect(verdicts(checks)).toMatchObject({
      Node: 'ok',
      DuckDB: 'ok',
      configuration: 'ok',
      input: 'fail',
      output: 'ok',
    })
    const input = checks.find(({ check }) => check === 'input')
    expect(input?.detail).toMatch(/Missing dimension tables: .*dim_npi/)
    expect(input?.hint).toContain('input.root')
  })

  it('works without a valid configuration, and tells its problems', async () => {
    workIn(testFolder())
    const { code, checks } = await doctor('processing: { chunk_sise: 5 }\n')
    expect(code).toBe(2)
    expect(verdicts(checks)).toEqual({ Node: 'ok', DuckDB: 'ok', configuration: 'fail', 'Temporal CLI': 'warn' })
    expect(checks.find(({ check }) => check === 'configuration')?.detail).toContain('chunk_sise')
  })

  it('looks at the place of the analytics table where there is one, and tells one that cannot be', async () => {
    workIn(testFolder())
    const verdictOf = async (analytics: string): Promise<string | undefined> =>
      verdicts((await doctor(`output: { uri: lake/table, analytics: ${analytics} }\n`)).checks)['analytics table']
    expect(await verdictOf('{ enabled: false }')).toBeUndefined()
    expect(await verdictOf('{ enabled: true }')).toBe('ok')
    expect(await verdictOf('{ enabled: true, uri: lake/table/fast }')).toBe('fail')
  })

  it('says that a configured server does not answer', async () => {
    workIn(testFolder())
    const { checks } = await doctor('temporal: { address: "127.0.0.1:1", connect_timeout_ms: 500 }\n')
    expect(checks).toContainEqual(
      expect.objectContaining({
        check: 'Temporal server',
        verdict: 'fail',
        exitCode: 5,
        detail: expect.stringContaining('127.0.0.1:1'),
      }),
    )
    expect(verdicts(checks)['Temporal CLI']).toBe('ok')
  })

  it('refuses a memory limit that cannot work', async () => {
    workIn(testFolder())
    const { checks } = await doctor('processing: { memory_limit_mb: 100 }\n')
    expect(checks).toContainEqual(
      expect.objectContaining({ check: 'memory', verdict: 'fail', detail: expect.stringContaining('448 MB') }),
    )
  })

  it('says how much disk a run takes', async () => {
    const folder = testFolder()
    workIn(folder)
    await writeStar('star', tinyStar())
    const { checks } = await doctor('input: { root: star }\n')
    expect(checks.find(({ check }) => check === 'input')?.verdict).toBe('ok')
    const free = checks.find(({ check }) => check === 'free disk')
    expect(free?.detail).toMatch(/GB for .*; the run takes about [\d.]+ KB to [\d.]+ KB$/)
  })

  it('looks at folders without creating them', async () => {
    const folder = testFolder()
    workIn(folder)
    mkdirSync(join(folder, 'locked'))
    chmodSync(join(folder, 'locked'), 0o500)
    const { checks } = await doctor('output: { uri: locked/table, metadata_uri: records }\n')
    // The superuser may write anywhere.
    expect(verdicts(checks)['output']).toBe(process.getuid?.() === 0 ? 'ok' : 'fail')
    expect(verdicts(checks)['records']).toBe('ok')
    expect(readdirSync(folder)).toEqual(['config', 'locked'])
  })
})

describe('the exit code of all findings', () => {
  const failure = (exitCode: number): Finding => ({ check: 'x', verdict: 'fail', detail: '', exitCode })

  it('is 0 with warnings, 5 when only a service is away, 2 when anything must be mended', () => {
    expect(exitCodeOfFindings([{ check: 'x', verdict: 'warn', detail: '' }])).toBe(0)
    expect(exitCodeOfFindings([failure(5)])).toBe(5)
    expect(exitCodeOfFindings([failure(7), failure(5)])).toBe(5)
    expect(exitCodeOfFindings([failure(5), failure(2)])).toBe(2)
  })
})

describe('single checks', () => {
  it('want Node 20.19 or newer', () => {
    expect(nodeVersion('20.18.3').verdict).toBe('fail')
    expect(nodeVersion('20.19.0').verdict).toBe('ok')
    expect(nodeVersion('18.20.0').verdict).toBe('fail')
    expect(nodeVersion('22.0.0').verdict).toBe('ok')
  })

  it('compare the memory limit with the machine', async () => {
    const config = configSchema.parse({ processing: { memory_limit_mb: 2048 } })
    expect((await memory(config, 1_900, 1_800)).verdict).toBe('fail')
    expect((await memory(config, 4_096, 2_100)).verdict).toBe('warn')
    expect((await memory(config, 4_096, 3_000)).verdict).toBe('ok')
  })
})
