/** The programs that `npm run check:containers` prepares, and podman. */
import { spawn } from 'node:child_process'

/** How a program ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How to run a program. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** Path of a program that the check has prepared. @throws Error when this runs without the check */
export function prepared(variable: 'PODMAN_COMPOSE' | 'HADOLINT' | 'COMPOSE_LOADER'): string {
  const path = process.env[variable]
  if (path === undefined) throw new Error(`${variable} is not set: start these tests with 'npm run check:containers'`)
  return path
}

/** Runs a program to its end. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(program, args, { env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {}).end(options.input ?? '')
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve(exitCode ?? 128))
  })
  return { code, stdout, stderr }
}

/** What podman prints. @throws Error when it fails */
export async function podman(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run('podman', args)
  if (code !== 0) throw new Error(`podman ${args.join(' ')}: ${stderr.trim()}`)
  return stdout.trim()
}
