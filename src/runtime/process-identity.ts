/** Which process it is: a pid alone may belong to somebody else by the time it is read from a file. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process and when it began, as the operating system tells it (opaque, compared only). */
export interface ProcessIdentity {
  readonly pid: number
  readonly began: string
}

/** The process with this pid, or undefined when there is none (a zombie is none). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const began = process.platform === 'linux' ? beganOnLinux(pid) : beganElsewhere(pid)
  return began === undefined ? undefined : { pid, began }
}

/** Whether exactly this process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.began === identity.began
}

/** Sends a signal to exactly this process. Answers whether it was there to receive it. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, signal)
  } catch {
    return false
  }
}

/**
 * Ends a process: SIGTERM, and SIGKILL where that did not do within `graceMs`. Returns when it is gone.
 * @returns whether it took SIGKILL
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  signalProcess(identity, 'SIGTERM')
  if (await isGone(identity, graceMs)) return false
  signalProcess(identity, 'SIGKILL')
  await isGone(identity, 5_000)
  return true
}

async function isGone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return true
}

function beganOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name, in parentheses, may hold blanks and parentheses; what follows it may not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state] = fields
    return state === 'Z' || state === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function beganElsewhere(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
