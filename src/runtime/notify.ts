/**
 * Tells a program or an HTTP address how a run ended. Limited in time; a failure is logged and never fails the run. Made by
 * the worker, so that it happens whoever waits for the run, and also when nobody does.
 */
import { spawn } from 'node:child_process'
import type { Logger } from './logging.js'

/** Whom to tell. Both unset: nobody. */
export interface NotifySettings {
  /** Program and its arguments; no shell reads them. */
  readonly command: readonly string[]
  /** Where the message is posted; `${NAME}` is replaced by the worker's variable NAME, so that secrets stay there. */
  readonly url?: string | undefined
  /** How long each of the two may take. */
  readonly timeout_ms: number
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * Sends `message` as JSON: on the program's standard input, and as the body of a POST. Never throws.
 *
 * @param env environment of the program, and of the variables in the address
 */
export async function notify(
  settings: NotifySettings,
  message: object,
  context: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly log: Logger
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { command, url, timeout_ms: timeoutMs } = settings
  const { env, log, signal } = context
  const body = `${JSON.stringify(message)}\n`
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const attempt = async (how: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act()
      log.info('notified', { how })
    } catch (error) {
      // Only what is known to hold no secret: neither the address nor what the other side answered.
      log.warn('the notification failed; the run is not affected', { how, reason: reasonOf(error, limited, timeoutMs) })
    }
  }
  await Promise.all([
    ...(command.length === 0 ? [] : [attempt(`command ${command[0]}`, () => run(command, body, env, limited))]),
    ...(url === undefined ? [] : [attempt('url', () => post(url, body, env, limited))]),
  ])
}

/** Something that is wrong with the other side, in words that hold no secret. */
class NotifyError extends Error {}

async function run(
  [program = '', ...args]: readonly string[],
  body: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    signal.throwIfAborted()
    // A group of its own, so that the time limit also ends what a script has started: a hanging curl, for instance.
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], env, detached: true })
    const endAll = (): void => {
      killGroup(child.pid)
      reject(new NotifyError('it was ended'))
    }
    signal.addEventListener('abort', endAll, { once: true })
    child.once('error', reject)
    child.once('close', (code, by) => {
      signal.removeEventListener('abort', endAll)
      if (code === 0) resolve()
      else reject(new NotifyError(by ? `it was ended by ${by}` : `it ended with exit code ${code}`))
    })
    // A program that does not read its input closes the pipe early.
    child.stdin.on('error', () => {})
    child.stdin.end(body)
  })
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

async function post(
  template: string,
  body: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const url = template.replace(VARIABLE, (_, name: string) => {
    const value = env[name]
    if (value === undefined || value === '') throw new NotifyError(`the variable ${name} is not set`)
    return value
  })
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    // Elsewhere is not where the message was meant to go.
    redirect: 'error',
    signal,
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new NotifyError(`it answered with status ${answer.status}`)
}

function reasonOf(error: unknown, signal: AbortSignal, timeoutMs: number): string {
  if (signal.aborted) return `it took more than ${timeoutMs} ms`
  if (error instanceof NotifyError) return error.message
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  return 'it did not work'
}
