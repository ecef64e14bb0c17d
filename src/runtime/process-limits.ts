/** What the system lets this process and those that it starts take (`ulimit`). */
import { readFileSync } from 'node:fs'

const BYTES_PER_MB = 1024 * 1024

/** The limit of the address space (`ulimit -v`) in MB, or undefined where there is none or the system does not tell. */
export function addressSpaceLimitMb(): number | undefined {
  return limitMb('Max address space')
}

/** Whether memory is limited by `ulimit -v` or `ulimit -d`. */
export function hasMemoryLimit(): boolean {
  return addressSpaceLimitMb() !== undefined || limitMb('Max data size') !== undefined
}

/** A line is `Max data size  1048576  unlimited  bytes`: the name, the limit that holds, the one that it can be raised to. */
function limitMb(name: string): number | undefined {
  const line = limits()
    .split('\n')
    .find((one) => one.startsWith(name))
  const bytes = /^\d+/.exec(line?.slice(name.length).trim() ?? '')?.[0]
  return bytes === undefined ? undefined : Number(bytes) / BYTES_PER_MB
}

function limits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}
