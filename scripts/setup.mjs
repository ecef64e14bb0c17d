/** Sets up everything that `npm start` and `npm test` need, and runs nothing. */
import { build } from './build.mjs'
import { prepareChromium } from './lib/chromium.mjs'
import { checkNode, installDependencies } from './lib/project.mjs'
import { preparePython } from './lib/python.mjs'
import { main } from './lib/steps.mjs'
import { findTemporal } from './lib/temporal.mjs'
import { prepareToxiproxy } from './lib/toxiproxy.mjs'
import { prepareVersitygw } from './lib/versitygw.mjs'

await main(async () => {
  await checkNode()
  await installDependencies()
  await build()
  await findTemporal()
  await preparePython()
  await prepareChromium()
  await prepareVersitygw()
  await prepareToxiproxy()
})
