// Records the histories of the replay tests anew: `node test/replay/record.mjs`, after `npm run build`.
import { register } from 'node:module'

register('../../scripts/typescript-hooks.mjs', import.meta.url)
await import('./record.ts')
