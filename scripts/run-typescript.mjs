/** Runs a TypeScript file of this checkout as it is: `node scripts/run-typescript.mjs <file> [arguments]`. */
import { register } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , file = ''] = process.argv
register('./typescript-hooks.mjs', import.meta.url)
// What the file sees is as if it had been run itself.
process.argv.splice(1, 2, resolve(file))
await import(pathToFileURL(resolve(file)).href)
