/** A lock between processes of this machine: a file that only one can create, freed when its owner dies. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ConflictError } from './errors.js'
import { makeFolder } from './make-folder.js'
import { identifyProcess, isAlive } from './process-identity.js'

const ownerSchema = z.object({ pid: z.number(), began: z.string() })

/**
 * Does something while no other process holds the lock.
 * @param timeoutMs how long to wait for a living owner
 * @throws ConflictError ETL3-RT-01 when the owner keeps the lock longer
 */
export async function withFileLock<T>(path: string, timeoutMs: number, act: () => Promise<T>): Promise<T> {
  makeFolder(dirname(path))
  const deadline = Date.now() + timeoutMs
  while (!acquire(path)) {
    if (Date.now() > deadline) {
      throw new ConflictError(
        'ETL3-RT-01',
        `another ETL3 process holds the lock [file=${path}, owner=${ownerOf(path)?.pid ?? 'unknown'}]`,
        {
          hint: 'Wait for it, or end that process; a lock whose owner is gone is taken over by itself.',
        },
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  try {
    return await act()
  } finally {
    rmSync(path, { force: true })
  }
}

function acquire(path: string): boolean {
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, JSON.stringify(identifyProcess(process.pid)))
  try {
    // A link, so that the lock appears with its owner's name already in it.
    linkSync(mine, path)
    return true
  } catch {
    const owner = ownerOf(path)
    if (owner && !isAlive(owner)) removeStale(path, owner.pid)
    return false
  } finally {
    rmSync(mine, { force: true })
  }
}

// Two waiters may see the same dead owner, and the slower one could take away the lock that the faster one just made:
// so look again at what was moved, and put a living owner's lock back.
function removeStale(path: string, deadPid: number): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
    if (ownerOf(aside)?.pid !== deadPid) linkSync(aside, path)
  } catch {
    return
  } finally {
    rmSync(aside, { force: true })
  }
}

function ownerOf(path: string): z.infer<typeof ownerSchema> | undefined {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}
