/** The page of `etl3 explore`, from what a run left: its manifest and its rates. */
import type { Config } from '../config/schema.js'
import { withEngine } from '../engine/engine.js'
import { ENGINE_MB } from '../engine/engine-memory.js'
import { explorePage } from '../explore/explore-page.js'
import { takePageRates } from '../explore/take-page-rates.js'
import { takePartitions } from '../explore/take-partitions.js'
import { isOnAws } from '../lake/catalogs.js'
import { withQueryScratch } from '../lake/query-scratch.js'
import { openMetadata } from '../lake/stores.js'
import { MANIFEST_FORMAT } from '../partition-files/manifest-file.js'
import { fetchManifest } from '../records/manifest.js'
import { findRates, RATES, RATES_BY_PAYER } from '../records/rates.js'
import { RunRecords } from '../records/records.js'
import type { RunReport } from '../report/run-report.js'
import { InputError } from '../runtime/errors.js'
import { VERSION } from '../runtime/version.js'

/** Of which run a page is. */
export interface ExploreRequest {
  readonly config: Config
  readonly report: RunReport
  /** What a shell begins a query with: `npx etl3 query`. */
  readonly queryCommand: string
  readonly signal: AbortSignal
}

/**
 * Makes the page of a run. Its memory is bounded: of the largest tables it takes a part, and says so.
 * @throws InputError ETL3-RP-04 where the run left no manifest: it has published nothing
 */
export async function exploreRun({ config, report, queryCommand, signal }: ExploreRequest): Promise<string> {
  const { result } = report
  const store = openMetadata(config)
  const records = new RunRecords(store, result.runId)
  const [manifest] = await store.stat([records.key(MANIFEST_FORMAT.name)], signal)
  if (!manifest) {
    throw new InputError('ETL3-RP-04', `run ${result.runId} left no manifest [status=${result.status}]`, {
      hint: 'Only a run that publishes leaves a manifest. Without --run it is the one that the table shows.',
    })
  }
  const hasRates = (await findRates({ records }, signal)) !== undefined
  return await withQueryScratch(config.processing.scratch, async (scratch) => {
    const local = (name: string): Promise<string> => store.fetchLocal(records.key(name), scratch, signal)
    const paths = {
      manifest: await fetchManifest(store, manifest.key, scratch, signal),
      rates: hasRates && {
        byState: await local(RATES),
        byPayer: await local(RATES_BY_PAYER),
        uri: store.locate(records.key(RATES)),
      },
    }
    return await withEngine({ memoryLimitMb: ENGINE_MB.explore, threads: 1, scratch }, signal, async (engine) => {
      const data = {
        run: result.runId,
        root: result.outputUri.replace(/\/+$/, ''),
        database: config.athena.database,
        table: config.athena.table,
        queryCommand,
        ratesInCatalog: !isOnAws(config),
        partitions: await takePartitions(engine, paths.manifest, report.partitionColumns),
        rates: paths.rates ? await takePageRates(engine, paths.rates) : null,
      }
      const { table, rows, bytes } = result
      return explorePage(data, { table, rows, bytes, finishedAt: report.finishedAt, version: VERSION })
    })
  })
}
