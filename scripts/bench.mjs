/** `npm run bench`: builds ETL3 and measures it. Arguments go on: `npm run bench -- --short`. */
import { join } from 'node:path'
import { build } from './build.mjs'
import { checkNode, installDependencies, ROOT } from './lib/project.mjs'
import { exitCode, main } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'

await main(async () => {
  await checkNode()
  await installDependencies()
  await build()
  const env = { ...process.env, TEMPORAL_CLI: await findTemporal() }
  const script = join(ROOT, 'scripts', 'run-typescript.mjs')
  return await exitCode(process.execPath, [script, join(ROOT, 'bench', 'main.ts'), ...process.argv.slice(2)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  })
})
