/** versitygw, an S3 server over a folder, for tests over the wire. */
import { prepareGoProgram } from './go-program.mjs'

/** Finds or builds the server. @returns variables for the tests; none where it can't be had */
export async function prepareVersitygw() {
  return await prepareGoProgram({
    name: 'versitygw',
    source: 'github.com/versity/versitygw/cmd/versitygw',
    version: 'v1.8.0',
    variable: 'ETL3_VERSITYGW',
  })
}
