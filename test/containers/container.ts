/** One container as the kernel of this machine sees it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../e2e/support/until.js'
import { podman, run } from './programs.js'

const CGROUPS = '/sys/fs/cgroup'

/** What /proc tells of a process. */
export interface ProcessOfContainer {
  readonly pid: number
  readonly command: string
  /** Real, effective, saved and file-system user. */
  readonly users: readonly number[]
  /** Effective capabilities, a mask in hexadecimal. */
  readonly capabilities: string
  readonly noNewPrivileges: boolean
  /** `T` for one that is stopped. */
  readonly state: string
}

/** A container of the stack, by its name. */
export class Container {
  constructor(readonly name: string) {}

  /** A field of `podman inspect`. */
  async inspect(template: string): Promise<string> {
    return await podman('inspect', '--format', template, this.name)
  }

  /** Whether it runs now. */
  async runs(): Promise<boolean> {
    return (await this.inspect('{{ .State.Running }}')) === 'true'
  }

  /** Waits until its own health check passes. systemd would ask every few seconds; here the test does. */
  async untilHealthy(timeoutMs?: number): Promise<void> {
    await until(
      `${this.name} to be healthy`,
      async () => (await run('podman', ['healthcheck', 'run', this.name])).code === 0,
      timeoutMs,
    )
  }

  async processes(): Promise<ProcessOfContainer[]> {
    const folder = await this.#memoryFolder()
    const pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    return pids.flatMap((pid) => processOf(pid) ?? [])
  }

  /** The one process with these words in its command line. @throws Error when it is not there */
  async process(words: string): Promise<ProcessOfContainer> {
    const found = (await this.processes()).find(({ command }) => command.includes(words))
    if (!found) throw new Error(`no process '${words}' in ${this.name}`)
    return found
  }

  /** Sends a signal to a process of this container; none when it has ended. */
  async end(process: ProcessOfContainer, signal: NodeJS.Signals): Promise<void> {
    const there = (await this.processes()).some(
      ({ pid, command }) => pid === process.pid && command === process.command,
    )
    if (there) globalThis.process.kill(process.pid, signal)
  }

  /** The kernel's figures, in bytes. They begin anew when the container does. */
  async memory(): Promise<{ readonly limit: number; readonly peak: number; readonly kills: number }> {
    const folder = await this.#memoryFolder()
    const number = (file: string): number => Number(readFileSync(join(folder, file), 'utf8'))
    const kills = (file: string): number =>
      Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1])
    return folder.startsWith(join(CGROUPS, 'memory'))
      ? {
          limit: number('memory.limit_in_bytes'),
          peak: number('memory.max_usage_in_bytes'),
          kills: kills('memory.oom_control'),
        }
      : { limit: number('memory.max'), peak: number('memory.peak'), kills: kills('memory.events') }
  }

  /** Folder of its memory controller, of either version of cgroups. */
  async #memoryFolder(): Promise<string> {
    const pid = await this.inspect('{{ .State.Pid }}')
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')
    const first = lines.find((line) => line.split(':')[1]?.split(',').includes('memory'))
    if (first !== undefined) return join(CGROUPS, 'memory', first.split(':')[2] ?? '')
    return join(CGROUPS, lines.find((line) => line.startsWith('0::'))?.slice('0::'.length) ?? '')
  }
}

function processOf(pid: number): ProcessOfContainer | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string): string => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1] ?? ''
    return {
      pid,
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
      users: field('Uid').split('\t').map(Number),
      capabilities: field('CapEff'),
      noNewPrivileges: field('NoNewPrivs') === '1',
      state: field('State').slice(0, 1),
    }
  } catch {
    // It ended meanwhile.
    return undefined
  }
}
