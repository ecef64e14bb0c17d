/** toxiproxy, which breaks TCP connections on purpose, for tests of faults on the way. */
import { prepareGoProgram } from './go-program.mjs'

/** Finds or builds the server. @returns variables for the tests; none where it can't be had */
export async function prepareToxiproxy() {
  return await prepareGoProgram({
    name: 'toxiproxy',
    source: 'github.com/Shopify/toxiproxy/v2/cmd/server',
    version: 'v2.12.0',
    variable: 'ETL3_TOXIPROXY',
  })
}
