/** `npm start`: from a fresh clone to a published table of the demo star. */
import { join } from 'node:path'
import { build } from './build.mjs'
import { checkNode, installDependencies, ROOT } from './lib/project.mjs'
import { exitCode, main, run, say, step } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'

const DEMO_STAR = join('demo', 'star')

await main(async () => {
  process.chdir(ROOT)
  await checkNode()
  await installDependencies()
  await build()
  const temporal = await findTemporal()
  await step('Writing the demo star', () =>
    run(process.execPath, [join('dist', 'demo', 'main.js'), '--out', DEMO_STAR]),
  )

  say('· Running the pipeline: etl3 run --config config/etl3.yaml')
  return await exitCode(process.execPath, [join('dist', 'cli', 'main.js'), 'run', '--config', 'config/etl3.yaml'], {
    stdio: 'inherit',
    env: {
      ...process.env,
      TEMPORAL_CLI: temporal,
      ETL3_INPUT_ROOT: DEMO_STAR,
      ETL3_INPUT_TABLES_FACT_RATE: join(DEMO_STAR, 'gold', 'fact_rate*.parquet'),
    },
  })
})
