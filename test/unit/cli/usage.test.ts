import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { configFile, testFolder, workIn } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

async function call(argv: readonly string[], env: Record<string, string> = {}) {
  workIn(testFolder())
  const io = new FakeIo(env)
  const code = await main(argv, io, fakeServices(undefined))
  return { code, out: io.stdout.text, err: io.stderr.text }
}

describe('the command line', () => {
  it('prints help and version on stdout, also with a configuration that is broken', async () => {
    const env = { ETL3_PROCESSING_CHUNK_SIZE: 'broken', ETL3_CONFIG: 'nowhere.yaml' }
    const version: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const argv of [['--help'], ['help'], ['run', '--help'], ['help', 'run'], ['config', 'show', '-h']]) {
      const { code, out, err } = await call(argv, env)
      expect({ code, err }, argv.join(' ')).toEqual({ code: 0, err: '' })
      expect(out).toContain('Usage: etl3')
    }
    expect(await call(['--version'], env)).toEqual({ code: 0, out: `${version.version}\n`, err: '' })
  })

  it('lists the commands and the exit codes in its help', async () => {
    const { out } = await call(['--help'])
    for (const command of 'run plan validate status query dev worker doctor memory-test config help'.split(' ')) {
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    }
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 130, 141, 143]) expect(out).toMatch(new RegExp(`^  ${code} `, 'm'))
  })

  it.each([
    ['query', ['--memory-limit']],
    ['status', []],
    ['report', []],
    ['vacuum', ['--yes']],
  ] as const)('shows in the help of %s only flags that do something there', async (command, counting) => {
    const { out } = await call([command, '--help'])
    for (const flag of ['--chunk-size', '--memory-limit', '--max-workers', '--audit', '--yes']) {
      expect({ flag, shown: out.includes(`${flag} `) }).toEqual({ flag, shown: counting.some((one) => one === flag) })
    }
  })

  it.each(['run', 'plan', 'validate'])('gives %s the flags of the design', async (command) => {
    // A script may say yes to everything; the help shows it where something is asked.
    const { code, out } = await call([command, '--yes', '--help'])
    expect(code).toBe(0)
    for (const flag of [
      '--config',
      '--environment',
      '--chunk-size',
      '--memory-limit',
      '--max-workers',
      '--audit',
      '-o, --output',
      '--quiet',
      '--verbose',
      '--color',
    ]) {
      expect(out).toContain(flag)
    }
  })

  it.each([
    [['rn'], "unknown command 'rn'", 'Did you mean run?'],
    [['run', '--chunksize', '5'], "unknown option '--chunksize'", 'Did you mean --chunk-size?'],
    [['config', 'shw'], "unknown command 'shw'", 'Did you mean show?'],
    [['run', '-o', 'yaml'], "argument 'yaml' is invalid. Allowed choices are text, json.", 'etl3 help <command>'],
    [['run', 'extra'], "too many arguments for 'run'", 'etl3 help <command>'],
    [['run', '--config'], "option '-c, --config <file>' argument missing", 'etl3 help <command>'],
    [['query'], "missing required argument 'sql'", 'etl3 help <command>'],
    [['run', '--dry-run', '--validate-only'], 'cannot both be given', '--dry-run stops after the plan'],
  ])('ends %j with exit code 2, what is wrong and a way out', async (argv, message, hint) => {
    const { code, out, err } = await call(argv)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain(`error: `)
    expect(err).toContain(message)
    expect(err).toMatch(/\[ETL3-CL-0[12]\]/)
    expect(err).toContain(hint)
  })

  it('shows the help on stderr and ends with exit code 2 when the command is missing', async () => {
    const { code, out, err } = await call([])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('Usage: etl3')
    expect(err).toContain('a command is missing')
  })

  it.each([[['-o', 'json']], [['--output', 'json']], [['--output=json']], [['-ojson']]])(
    'prints what is wrong as JSON on stdout under %j',
    async (flags) => {
      const { code, out } = await call(['run', ...flags, '--nonsense'])
      expect(code).toBe(2)
      expect(JSON.parse(out)).toMatchObject({
        formatVersion: 1,
        status: 'failed',
        error: { kind: 'UsageError', code: 'ETL3-CL-01', message: "unknown option '--nonsense'" },
      })
    },
  )

  it('tells all problems of a configuration and starts nothing', async () => {
    const file = configFile('processing: { chunk_size: 0 }\nlogging: { keep: 0 }\n')
    const { code, err } = await call(['run', '--config', file, '--memory-limit', 'x'])
    expect(code).toBe(2)
    expect(err).toContain('3 problems in the configuration [ETL3-CF-01]')
    expect(err).toContain(`${file}:1:27: processing.chunk_size is 0`)
    expect(err).toContain(`${file}:2:18: logging.keep is 0`)
    expect(err).toContain('--memory-limit: processing.memory_limit_mb is "x"')
  })

  it('starts without loading what is heavy', () => {
    // A time would depend on the machine; what is imported before a command is known does not.
    expect(packagesBehind('src/cli/main.ts')).toEqual([])
    expect(packagesBehind('src/cli/command-line.ts')).toEqual(['commander', 'picocolors'])
  })
})

/** The packages that a file imports, by itself or through other files, when it is loaded. */
function packagesBehind(entry: string): string[] {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const importing = /^(?:import|export) (?!type\b)(?:[^'"]*? from )?'([^']+)'/gms
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(importing)) {
      if (target.startsWith('.')) visit(new URL(target.replace(/\.js$/, '.ts'), `file:///${file}`).pathname.slice(1))
      else if (!target.startsWith('node:')) packages.add(target)
    }
  }
  visit(entry)
  // A pattern that found no import would find no package either.
  expect(seen.size).toBeGreaterThan(3)
  return [...packages].sort()
}
