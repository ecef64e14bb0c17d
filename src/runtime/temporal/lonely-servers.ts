/**
 * Private servers that nobody uses: command and worker, who would have ended them, were both killed. A server cannot
 * know that by itself, so every command that opens a session looks for them. Histories stay.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Environment, stateRoot } from '../state-folder.js'
import { present } from '../worker/presence.js'
import { runningPrivateServer, stopPrivateServer } from './private-server.js'

/** Ends the private servers of this user that have neither a client nor a worker. @returns their addresses */
export async function endLonelyServers(env: Environment): Promise<string[]> {
  const ended: string[] = []
  for (const folder of foldersIn(join(stateRoot(env), 'state'))) {
    const server = runningPrivateServer(folder)
    if (!server || !isLonely(folder)) continue
    // Whoever comes for it notes itself first, so a look under the lock sees it.
    if (await stopPrivateServer(folder, { wait: false, unless: () => !isLonely(folder) })) {
      ended.push(server.endpoint.address)
    }
  }
  return ended
}

function isLonely(folder: string): boolean {
  return present(folder, 'client').length === 0 && present(folder, 'worker').length === 0
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name))
  } catch {
    return []
  }
}
