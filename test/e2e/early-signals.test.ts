import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { ETL3 } from './support/command.js'

/** Says when the commands are asked for, and takes a minute to give them. */
const SLOW_COMMANDS = `
import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
export async function load(url, context, next) {
  if (url.endsWith('/command-line.js')) {
    writeSync(2, 'loading\\n')
    await setTimeout(60_000)
  }
  return await next(url, context)
}`

const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`
const REGISTER = dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(dataUrl(SLOW_COMMANDS))})`)

describe('a command that is stopped before it is loaded', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s ends with %s and says so', async (signal, due) => {
    const child = spawn(process.execPath, ['--import', REGISTER, ETL3, 'status'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (text.includes('loading')) child.kill(signal)
    })
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    expect({ code, said }).toEqual({ code: due, said: `loading\nstopped: ${signal}\n` })
  })
})
