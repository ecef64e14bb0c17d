// Rewrites one object over and over, as another process: 4 MB of one letter each time.
import { register } from 'node:module'

register('../../../scripts/typescript-hooks.mjs', import.meta.url)
const { FolderStore } = await import('../../../src/lake/folder/store.ts')

const [root, key] = process.argv.slice(2)
const store = new FolderStore(root)
const signal = new AbortController().signal
for (let i = 0; ; i++) {
  await store.put(key, Buffer.alloc(4 * 1024 * 1024, String.fromCharCode(65 + (i % 26))), signal)
}
