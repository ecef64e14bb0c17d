/** A Glue database for one test: moto with the rules that it does not keep, and an Athena that reads the files. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { AthenaQueries } from '../../src/lake/glue/athena.js'
import { GlueCatalog, type GlueCatalogOptions } from '../../src/lake/glue/catalog.js'
import { GlueTables } from '../../src/lake/glue/tables.js'
import type { CatalogPlace } from '../unit/lake/catalog.suite.js'
import { lakeFolder } from '../unit/lake/folder/lake-folder.js'
import { glueRules } from './glue-rules.js'
import { JsonFront } from './json-front.js'
import { type Moto, startMoto } from './moto.js'
import { SmallAthena } from './small-athena.js'

/** Region of everything in these tests. */
export const REGION = 'us-east-1'

/** What the tests of a file share. */
export interface AwsServers {
  readonly front: JsonFront
  readonly athena: SmallAthena
}

/** Starts the servers before the tests of a file and points the SDK to them. */
export function awsServers(): AwsServers {
  let moto: Moto | undefined
  let front: JsonFront | undefined
  const athena = new SmallAthena()
  const before = { ...process.env }
  beforeAll(async () => {
    moto = await startMoto()
    front = await JsonFront.open(moto.url, [athena.handler, ...glueRules()])
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_GLUE: front.url,
      AWS_ENDPOINT_URL_ATHENA: front.url,
      AWS_ENDPOINT_URL_STS: moto.url,
      AWS_ENDPOINT_URL_S3: moto.url,
      AWS_ACCESS_KEY_ID: 'testing',
      AWS_SECRET_ACCESS_KEY: 'testing',
    })
  })
  afterAll(async () => {
    process.env = before
    await front?.close()
    await moto?.stop()
  })
  return {
    get front() {
      if (!front) throw new Error('the servers run only during tests')
      return front
    },
    athena,
  }
}

/** A place, and the database in it. */
export interface GluePlace extends CatalogPlace {
  readonly database: string
  readonly open: (options?: Pick<GlueCatalogOptions, 'claimPatienceMs'>) => GlueCatalog
}

/** A place of its own: database, table and folder. */
export function gluePlace(): GluePlace {
  const database = `lake_${randomBytes(6).toString('hex')}`
  const root = join(lakeFolder(), 'table')
  const scratch = lakeFolder()
  return {
    database,
    root,
    tableUri: `s3://lake${root}`,
    missingFile: 'uncounted',
    open: (options = {}) =>
      new GlueCatalog({
        ...options,
        glue: new GlueTables(database, REGION),
        athena: new AthenaQueries({ region: REGION, database, workgroup: 'primary', outputLocation: 's3://results/' }),
        table: 'fact_rate_enriched',
        scratch,
      }),
  }
}
