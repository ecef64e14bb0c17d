/** What a table on S3 needs whose rows are counted: S3 (versitygw), Glue (moto with its rules) and a small Athena. */
import { join } from 'node:path'
import { glueRules } from '../glue-rules.js'
import { JsonFront } from '../json-front.js'
import { startMoto } from '../moto.js'
import { SmallAthena } from '../small-athena.js'
import { CREDENTIAL_VARIABLES, type S3Server, startVersitygw } from './servers.js'

/** Servers that run. */
export interface CountingLake extends AsyncDisposable {
  readonly s3: S3Server
  /** Sees the calls to Glue and to Athena. */
  readonly front: JsonFront
  readonly athena: SmallAthena
}

/** Starts the servers and points this process, and those that it starts, to them. */
export async function countingLake(): Promise<CountingLake> {
  const s3 = await startVersitygw()
  const moto = await startMoto()
  // Athena reads the very objects that were published, in the folder of the S3 server.
  const athena = new SmallAthena((location) => join(s3.folder ?? '', location.replace(/^s3:\/\//, '')))
  const front = await JsonFront.open(moto.url, [athena.handler, ...glueRules()])
  Object.assign(process.env, CREDENTIAL_VARIABLES, {
    AWS_ENDPOINT_URL_GLUE: front.url,
    AWS_ENDPOINT_URL_ATHENA: front.url,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  })
  return {
    s3,
    front,
    athena,
    async [Symbol.asyncDispose]() {
      await front.close()
      await Promise.all([s3.stop(), moto.stop()])
    },
  }
}
