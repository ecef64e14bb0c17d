/** Where ETL3 keeps what belongs to this user on this machine: private servers with their histories, fetched tools. */
import { createHash } from 'node:crypto'
import { chmodSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { makeFolder } from './make-folder.js'

/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The user's state folder: ETL3_STATE_DIR, else `etl3` in XDG_STATE_HOME, else `~/.local/state/etl3`. Not created. */
export function stateRoot(env: Environment): string {
  return env['ETL3_STATE_DIR'] || join(absolute(env['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state'), 'etl3')
}

/** The user's cache folder: ETL3_CACHE_DIR, else `etl3` in XDG_CACHE_HOME, else `~/.cache/etl3`. Not created. */
export function cacheRoot(env: Environment): string {
  return env['ETL3_CACHE_DIR'] || join(absolute(env['XDG_CACHE_HOME']) ?? join(homedir(), '.cache'), 'etl3')
}

/** Folder of what belongs to one workflow id: its private server's record and history, its workers, its clients. Not created. */
export function stateFolder(workflowId: string, env: Environment): string {
  return join(stateRoot(env), 'state', folderName(workflowId))
}

/** Makes a folder that only its owner can look into; one of ours that stands becomes such a folder. */
export function makePrivateFolder(folder: string): void {
  makeFolder(folder, 0o700)
  if (statSync(folder).uid === process.getuid?.()) chmodSync(folder, 0o700)
}

// Lower case only, as some file systems take `A` and `a` for the same name; any other id gets a digest to stay unique.
function folderName(workflowId: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,79}$/.test(workflowId)) return workflowId
  const readable = workflowId
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 60)
  const digest = createHash('sha256').update(workflowId).digest('hex').slice(0, 12)
  return readable === '' ? digest : `${readable}-${digest}`
}

// The XDG specification: relative paths are invalid and must be ignored.
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
