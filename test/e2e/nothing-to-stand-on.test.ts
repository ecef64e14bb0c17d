import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ETL3 } from './support/command.js'

const folder = mkdtempSync(join(tmpdir(), 'etl3-nothing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const END_AFTER_MS = 30_000

/** Runs a program that may never end by itself. */
function ended(program: string, args: readonly string[], cwd = folder): { code: number | null; said: string } {
  const { status, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: END_AFTER_MS, killSignal: 9 })
  return { code: status, said: stderr }
}

/** Runs JavaScript in a folder that is deleted before it begins. */
function inDeletedFolder(name: string, ...args: readonly string[]): { code: number | null; said: string } {
  mkdirSync(join(folder, name))
  return ended('sh', ['-c', 'cd "$1" && rmdir "../$1" && shift && exec "$@"', 'sh', name, process.execPath, ...args])
}

describe('a command that has nothing to stand on', () => {
  it('ends with a word when files of its installation are missing, even those that would report it', () => {
    const dist = dirname(dirname(ETL3))
    cpSync(dist, join(folder, 'dist'), { recursive: true })
    cpSync(join(dist, '..', 'package.json'), join(folder, 'package.json'))
    const { code, said } = ended(process.execPath, [join(folder, 'dist/cli/main.js'), 'status'])
    expect(code).toBe(1)
    expect(said).toContain("Cannot find package 'commander'")
    expect(said).toContain('hint: Install etl3 again')
  })

  it('says so when the current folder does not exist any more', () => {
    const { code, said } = inDeletedFolder('command', ETL3, 'status')
    expect(said).toContain('the current folder does not exist any more [ETL3-DK-20]')
    expect(code).toBe(2)
  })

  it('never waits for a relative folder to appear below one that is gone', () => {
    const maker = new URL('../../dist/runtime/make-folder.js', import.meta.url).href
    const script = `import { makeFolder } from '${maker}'; makeFolder('scratch/run')`
    const { code, said } = inDeletedFolder('maker', '--input-type=module', '-e', script)
    expect(said).toContain('ENOENT')
    expect(code).toBe(1)
  })
})
