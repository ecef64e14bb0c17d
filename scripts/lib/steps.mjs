/** Steps that say what they do and how long it took; on stderr, so that stdout has the result only. */
import { spawn } from 'node:child_process'

/** A step failed for a reason that is already said; the script ends. */
export class StepFailed extends Error {}

/** Does something, and says what and how long. A string that it answers is said too. */
export async function step(title, act) {
  const began = performance.now()
  say(`· ${title} …`)
  try {
    const outcome = await act()
    say(`  ${typeof outcome === 'string' ? outcome : 'done'} (${seconds(began)})`)
    return outcome
  } catch (error) {
    say(`  failed (${seconds(began)}): ${error instanceof Error ? error.message : String(error)}`)
    throw error instanceof StepFailed ? error : new StepFailed(title, { cause: error })
  }
}

/** One line for the person at the terminal. */
export function say(line) {
  process.stderr.write(`${line}\n`)
}

/** Runs a program. Rejects when it does not end with 0; its output goes to stderr unless `stdio` says otherwise. */
export async function run(program, args, options = {}) {
  const code = await exitCode(program, args, options)
  if (code !== 0) throw new StepFailed(`'${[program, ...args].join(' ')}' ended with exit code ${code}`)
}

/** Runs a program and answers its exit code; a signal counts as 128, a program that can't be started as 127. */
export async function exitCode(program, args, { stdio = ['ignore', 2, 2], env = process.env, timeoutMs } = {}) {
  return await new Promise((resolve) => {
    const child = spawn(program, args, { stdio, env, ...(timeoutMs ? { timeout: timeoutMs } : {}) })
    child.once('error', (error) => {
      say(`  ${program}: ${error.message}`)
      resolve(127)
    })
    child.once('close', (code) => resolve(code ?? 128))
  })
}

/** Ends the script when a step fails. A failed step has said so already. */
export async function main(act) {
  try {
    process.exitCode = (await act()) ?? 0
  } catch (error) {
    if (!(error instanceof StepFailed)) say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = 1
  }
}

function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}
