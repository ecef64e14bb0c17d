/** The activities as the workflow calls them: time-outs, retries, and the line that the Web UI shows for each. */
import { type ActivityOptions, proxyActivities } from '@temporalio/workflow'
import type { Etl3Activities } from '../contract/activities.js'

const OPTIONS: ActivityOptions = {
  startToCloseTimeout: '12 hours',
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    maximumAttempts: 20,
  },
}

const SUMMARIES: { readonly [name in keyof Etl3Activities]: string } = {
  openRun: 'read the configuration and the checksums of the input, take the lock',
  validateInputs: 'check schemas, keys and disk',
  stageDimensions: 'stage what the facts need of the dimensions',
  stageFacts: 'stage facts: narrow columns, integer ids, sorted',
  joinFacts: 'number the staged facts, stage the Medicare rows that they meet',
  screenFacts: 'set aside the facts that break a rule',
  planPartitions: 'compute every partition, its rows and its fingerprint',
  checkQuality: 'the quality gate',
  writePartitions: 'encode and store one unit of partitions',
  auditObjects: 'read one unit again and compare it with the plan',
  balanceLedger: 'compare what all units wrote with the plan',
  writeAnalytics: 'encode and store one unit of the analytics table',
  auditAnalytics: 'read one unit of the analytics table again and compare it with the staged data',
  commitAnalytics: 'commit the analytics table: from here on readers find the run in it',
  publishPartitions: 'move one unit of partitions to its place',
  registerTables: 'bring the catalog up to date and ask it',
  lookAtCount: 'look whether the check query is done, and compare it with the ledger',
  stopCount: 'stop the check query',
  removePartitions: 'delete what the plan removes',
  writeReport: 'write report and receipt, make this run the current one',
  renewLock: 'keep the lock while the run is paused',
  closeRun: 'release what the run holds',
  closeUnopened: 'tell that the run could not be opened',
}

/** All activities of ETL3; `detail` is added to the summary of each call made through the returned object. */
export function activitiesFor(heartbeatTimeoutMs: number, detail = ''): Etl3Activities {
  const proxied = <K extends keyof Etl3Activities>(name: K): Etl3Activities[K] =>
    proxyActivities<Etl3Activities>({
      ...OPTIONS,
      heartbeatTimeout: heartbeatTimeoutMs,
      summary: detail === '' ? SUMMARIES[name] : `${SUMMARIES[name]}: ${detail}`,
    })[name]
  return {
    openRun: proxied('openRun'),
    validateInputs: proxied('validateInputs'),
    stageDimensions: proxied('stageDimensions'),
    stageFacts: proxied('stageFacts'),
    joinFacts: proxied('joinFacts'),
    screenFacts: proxied('screenFacts'),
    planPartitions: proxied('planPartitions'),
    checkQuality: proxied('checkQuality'),
    writePartitions: proxied('writePartitions'),
    auditObjects: proxied('auditObjects'),
    balanceLedger: proxied('balanceLedger'),
    writeAnalytics: proxied('writeAnalytics'),
    auditAnalytics: proxied('auditAnalytics'),
    commitAnalytics: proxied('commitAnalytics'),
    publishPartitions: proxied('publishPartitions'),
    registerTables: proxied('registerTables'),
    lookAtCount: proxied('lookAtCount'),
    stopCount: proxied('stopCount'),
    removePartitions: proxied('removePartitions'),
    writeReport: proxied('writeReport'),
    renewLock: proxied('renewLock'),
    closeRun: proxied('closeRun'),
    closeUnopened: proxied('closeUnopened'),
  }
}
