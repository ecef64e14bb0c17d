import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { SHELLS } from '../../../src/cli/completion-scripts.js'
import { testFolder } from '../config/config-file.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'
import { realShell } from './shells.js'

type ShellName = (typeof SHELLS)[number]

async function scriptFor(shell: string): Promise<string> {
  const io = new FakeIo()
  expect(await main(['completion', shell], io, fakeServices(undefined))).toBe(0)
  const file = join(testFolder(), 'completion')
  writeFileSync(file, io.stdout.text)
  return file
}

/** What a real shell offers for a line that is being typed; descriptions are left out. */
const offers: Readonly<Record<ShellName, (file: string, line: string) => string[]>> = {
  bash(file, line) {
    const { program, env } = realShell('bash')
    const body = `source "$1"; COMP_WORDS=($2); [[ $2 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _etl3; printf '%s\\n' "\${COMPREPLY[@]}"`
    return lines(execFileSync(program, ['--norc', '-c', body, 'bash', file, line], { env, encoding: 'utf8' }))
  },
  fish(file, line) {
    const { program, env, root } = realShell('fish')
    const home = testFolder()
    // fish itself tells what it would offer.
    const functions = join(root, 'usr/share/fish/functions')
    const body = `set -p fish_function_path $argv[1]; source $argv[2]; complete -C $argv[3]`
    const out = execFileSync(program, ['--no-config', '-c', body, functions, file, line], {
      env: { ...env, HOME: home, XDG_CONFIG_HOME: home },
      encoding: 'utf8',
    })
    return lines(out).map((offer) => offer.split('\t')[0] ?? '')
  },
  zsh(file, line) {
    const { program, env, root } = realShell('zsh')
    const home = testFolder()
    mkdirSync(join(home, 'out'))
    const listed = join(home, 'out', 'offers')
    // compadd is what every completion function of zsh ends in; asked for its matches, it names them.
    const modules = root === '/' ? '' : `module_path=(${root}/usr/lib/*/zsh/*(/))`
    const body = `
      ${modules}
      fpath=(${root === '/' ? '$fpath' : `${root}/usr/share/zsh/functions/**/*(/)`})
      autoload -Uz compinit && compinit -u -D
      source ${file}
      compadd() {
        local -a found
        builtin compadd -O found "$@"
        print -rl -- $found >> ${listed}
        builtin compadd "$@"
      }
      bindkey '^I' complete-word
      print READY`
    writeFileSync(join(home, '.zshenv'), `${modules}\n`)
    writeFileSync(join(home, '.zshrc'), body)
    const driver = `
      ${modules}
      zmodload zsh/zpty
      zpty z ${program} -i
      zpty -r -m z out '*READY*'
      zpty -n -w z ${quoted(`${line}\t`)}
      for i in {1..200}; do [[ -s ${listed} ]] && break; sleep 0.05; done
      sleep 0.2
      zpty -d z`
    const options = { env: { ...env, ZDOTDIR: home, HOME: home, TERM: 'dumb' }, encoding: 'utf8' as const }
    execFileSync(program, ['-f', '-c', driver], options)
    return lines(execFileSync('cat', [listed], { encoding: 'utf8' }))
  },
}

function lines(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.trim()))].filter((line) => line !== '')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

describe.each(SHELLS)('completion for %s, in the real shell', (shell) => {
  it('offers commands, commands of a group, flags and their values', async () => {
    const file = await scriptFor(shell)
    const of = (line: string): string[] => offers[shell](file, line)
    expect(of('etl3 pl')).toContain('plan')
    expect(of('etl3 ')).toEqual(
      expect.arrayContaining(['run', 'resume', 'schedule', 'export-dictionary', 'memory-test']),
    )
    expect(of('etl3 schedule ')).toEqual(expect.arrayContaining(['create', 'pause', 'unpause', 'list', 'delete']))
    const flags = of('etl3 plan --')
    expect(flags).toEqual(expect.arrayContaining(['--explain', '--advise', '--config', '--help']))
    expect(flags).not.toContain('--validate-only')
    expect(of('etl3 query --output ')).toEqual(expect.arrayContaining(['text', 'json', 'csv']))
    // Words that stand in the placeholder alone.
    expect(of('etl3 run --audit ')).toEqual(expect.arrayContaining(['full', 'sample']))
    expect(of('etl3 plan --fail-on ')).toEqual(expect.arrayContaining(['error', 'warn']))
    expect(of('etl3 completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  })
})
