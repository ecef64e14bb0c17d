/**
 * Who is there: one small file per living process, so that the last client out turns off the private server and
 * a worker that nobody waits for knows it. A file whose process is gone counts for nothing.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.js'
import { makePrivateFolder } from './state-folder.js'

const identitySchema = z.object({ pid: z.number(), began: z.string(), says: z.string().optional() })

/** In what part a process is there. */
export type Part = 'client' | 'worker'

/** A process that is there. */
export interface Present extends ProcessIdentity {
  /** What it says of itself, if anything: a worker its identity at Temporal. */
  readonly says?: string | undefined
}

/** Notes that a process is there, and what it says of itself. Does nothing when it is gone already. */
export function enter(folder: string, part: Part, pid: number, says?: string): void {
  const identity = identifyProcess(pid)
  if (!identity) return
  makePrivateFolder(folder)
  writeFileSync(fileOf(folder, part, pid), JSON.stringify({ ...identity, says }))
}

/** Notes that a process is there no more. */
export function leave(folder: string, part: Part, pid: number): void {
  rmSync(fileOf(folder, part, pid), { force: true })
}

/** The living processes in this part; files of dead ones are removed. */
export function present(folder: string, part: Part): Present[] {
  const living: Present[] = []
  for (const name of names(folder)) {
    if (!name.startsWith(`${part}-`) || !name.endsWith('.json')) continue
    const identity = read(join(folder, name))
    if (identity && isAlive(identity)) living.push(identity)
    else if (identity) rmSync(join(folder, name), { force: true })
  }
  return living
}

function fileOf(folder: string, part: Part, pid: number): string {
  return join(folder, `${part}-${pid}.json`)
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): Present | undefined {
  try {
    return identitySchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}
