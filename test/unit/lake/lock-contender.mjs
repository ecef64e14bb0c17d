// A process that wants the run lock. Says "ready", waits for a line, tries, says how it went, and stays until its
// input ends.
import { once } from 'node:events'
import { register } from 'node:module'

register('../../../scripts/typescript-hooks.mjs', import.meta.url)
const { FolderStore } = await import('../../../src/lake/folder/store.ts')
const { RunLock } = await import('../../../src/lake/run-lock.ts')

const [root, owner] = process.argv.slice(2)
const lock = new RunLock(new FolderStore(root))
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const answer = await lock.acquire({ owner, runId: 'r' }, new AbortController().signal).then(
  ({ number }) => ({ number }),
  ({ code }) => ({ code }),
)
process.stdout.write(`${JSON.stringify(answer)}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
