import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/command-line.js'
import { EXIT_CODES } from '../../../src/runtime/errors.js'
import { FakeIo } from '../cli/fake-io.js'

const README = readFileSync('README.md', 'utf8')

async function help(...words: string[]): Promise<string> {
  const io = new FakeIo()
  expect(await main([...words, '--help'], io)).toBe(0)
  return io.stdout.text
}

/** Names in the list of commands of a help text. */
function commandsOf(text: string): string[] {
  const [, list = ''] = text.split('Commands:\n')
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
}

describe('the usage in README.md', () => {
  it('lists every command, and none that is not there', async () => {
    const groups = ['config', 'schedule']
    const commands = commandsOf(await help()).filter((name) => !groups.includes(name))
    const subcommands: string[] = []
    for (const group of groups) {
      subcommands.push(...commandsOf(await help(group)).map((name) => `${group} ${name}`))
    }
    const listed = [...README.matchAll(/^\| `etl3 ([a-z][a-z -]*?)( ["<][^`]*)?` \|/gm)].map(([, name = '']) => name)
    expect(listed.toSorted()).toEqual([...commands, ...subcommands].toSorted())
  })

  it('names every flag of run', async () => {
    const flags = [...(await help('run')).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag)
    expect(flags.length).toBeGreaterThan(10)
    for (const flag of flags) expect(README).toContain(flag)
  })

  it('has a row for every exit code', () => {
    for (const code of [0, 130, 143, ...Object.values(EXIT_CODES)])
      expect(README).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'))
  })
})
