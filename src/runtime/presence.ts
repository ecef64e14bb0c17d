/**
 * Who is there: one small file per living process, so that the last client out turns off the private server and
 * a worker that nobody waits for knows it. A file whose process is gone counts for nothing.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.js'
import { makePrivateFolder } from './state-folder.js'

const identitySchema = z.object({ pid: z.number(), began: z.string() })

/** In what part a process is there. */
export type Part = 'client' | 'worker'

/** Notes that a process is there. Does nothing when it is gone already. */
export function enter(folder: string, part: Part, pid: number): void {
  const identity = identifyProcess(pid)
  if (!identity) return
  makePrivateFolder(folder)
  writeFileSync(fileOf(folder, part, pid), JSON.stringify(identity))
}

/** Notes that a process is there no more. */
export function leave(folder: string, part: Part, pid: number): void {
  rmSync(fileOf(folder, part, pid), { force: true })
}

/** The living processes in this part; files of dead ones are removed. */
export function present(folder: string, part: Part): ProcessIdentity[] {
  const living: ProcessIdentity[] = []
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

function read(path: string): ProcessIdentity | undefined {
  try {
    return identitySchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}
