import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { buildProgram, main } from '../../../src/cli/command-line.js'
import { FakeIo } from './fake-io.js'
import { fakeServices } from './fake-runs.js'

function program(): Command {
  const record = {
    exitCode: 0,
    terminal: undefined,
    logger: undefined,
    logFile: undefined,
    failed: false,
    resultBegun: false,
    failureFields: {},
  }
  return buildProgram(new FakeIo(), fakeServices(undefined), record)
}

/** Every command that does something, by the words that call it. */
function leaves(command: Command, words: readonly string[] = []): (readonly [readonly string[], Command])[] {
  return command.commands.flatMap((child) => {
    const path = [...words, child.name()]
    return child.commands.length === 0 ? [[path, child] as const] : leaves(child, path)
  })
}

async function helpOf(words: readonly string[]): Promise<string> {
  const io = new FakeIo()
  expect(await main([...words, '--help'], io, fakeServices(undefined))).toBe(0)
  return io.stdout.text
}

/** The words of a simple call as a shell splits it; what is redirected is left out. */
function wordsOf(call: string): string[] {
  const [command = ''] = call.split(/ [<>] (?=[^']*$)/)
  return [...command.matchAll(/"((?:\\.|[^"])*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

describe('the help of each command', () => {
  const commands = leaves(program()).filter(([, command]) => command.name() !== 'help')

  it.each(commands.map(([words]) => words))('%s %s ends with examples that the command takes', async (...words) => {
    const path = words.filter((word) => word !== undefined)
    const [, section = ''] = (await helpOf(path)).split('\nExamples:\n')
    const calls = [...section.matchAll(/^ {2}(etl3 .*)$/gm)].map(([, call = '']) => call)
    expect(calls.length).toBeGreaterThan(0)
    for (const call of calls) {
      const [name, ...rest] = wordsOf(call)
      expect(name).toBe('etl3')
      expect(rest.slice(0, path.length)).toEqual(path)
      // A tree of its own for each, because commander keeps what it has parsed.
      const command = leaves(program()).find(([known]) => known.join() === path.join())?.[1]
      command?.exitOverride().configureOutput({ outputError: () => {} })
      const { operands, unknown } = command?.parseOptions(rest.slice(path.length)) ?? { operands: [], unknown: ['?'] }
      expect({ call, unknown }).toEqual({ call, unknown: [] })
      expect(operands.length).toBe(command?.registeredArguments.length)
    }
  })

  it('shows --yes where it does something, and says what', async () => {
    const shown: string[] = []
    for (const [words] of commands) {
      const [line] = /^ {2}-y, --yes .*$/m.exec(await helpOf(words)) ?? []
      if (line !== undefined) shown.push(`${words.join(' ')}: ${line.replace(/^.*--yes +/, '')}`)
    }
    expect(shown).toEqual([
      'init: ask nothing, and overwrite a file that is there',
      'vacuum: delete what is found',
      'schedule delete: delete it without asking',
    ])
  })

  it.each([
    ['iam-policy', []],
    ['schedule list', []],
    ['schedule pause', []],
    ['doctor', ['--memory-limit', '--max-workers']],
  ])('%s shows only the settings that change what it does', async (name, settings) => {
    const flags = [
      ...(await helpOf(name.split(' '))).matchAll(/--(?:chunk-size|memory-limit|max-workers|audit|fail-on)/g),
    ]
    expect(flags.map(([flag]) => flag)).toEqual(settings)
  })

  it('shows no choice of a form where there is one form', async () => {
    for (const name of ['completion', 'iam-policy']) expect(await helpOf([name])).not.toContain('--output')
  })

  it('begins a new line after indented lines', async () => {
    const text = await helpOf(['completion'])
    expect(text).toMatch(/^ {2}fish {2}etl3 completion fish \| source\nFor every session, /m)
  })
})
