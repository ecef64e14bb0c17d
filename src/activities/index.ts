/** The activities of ETL3, ready for a worker. */

import type { Etl3Activities, ReportInput, UnitDone, UnitInput } from '../contract/activities.js'
import { WorkerRecorder } from '../records/worker.js'
import type { WorkerResources } from '../runtime/worker/host.js'
import { lookAtCount, stopCount } from './ask-catalog.js'
import { auditAnalytics } from './audit-analytics.js'
import { auditObjects } from './audit-objects.js'
import { balanceLedger } from './balance-ledger.js'
import { checkQuality } from './check-quality.js'
import { closeRun, closeUnopened, renewLock } from './close-run.js'
import { commitAnalytics } from './commit-analytics.js'
import type { ActivityDeps } from './deps.js'
import { countUnit } from './metrics.js'
import { openRun } from './open-run.js'
import { planPartitions } from './plan-partitions.js'
import { publishPartitions } from './publish-partitions.js'
import { registerTables, removePartitions } from './register-tables.js'
import { inScope } from './scope.js'
import { screenFacts } from './screen-facts.js'
import { joinFacts, stageDimensions, stageFacts } from './staging.js'
import { StarCache } from './star-cache.js'
import { validateInputs } from './validate-inputs.js'
import { writeAnalytics } from './write-analytics.js'
import { writePartitions } from './write-partitions.js'
import { writeReport } from './write-report.js'

/** Makes the activities. What they keep of a star is given up under memory pressure. */
export function createActivities(resources: WorkerResources, env: ActivityDeps['env'] = process.env): Etl3Activities {
  const star = new StarCache()
  resources.memory.onPressure(() => star.clear())
  const recorder = new WorkerRecorder(resources.sampler, resources.budget.limitMb)
  const deps: ActivityDeps = { ...resources, env, star, recorder }
  return {
    openRun: inScope(deps, 'open', openRun(deps)),
    validateInputs: inScope(deps, 'validate', validateInputs(deps)),
    stageDimensions: inScope(deps, 'stage', stageDimensions(deps)),
    stageFacts: inScope(deps, 'stage', stageFacts(deps)),
    joinFacts: inScope(deps, 'stage', joinFacts(deps)),
    screenFacts: inScope(deps, 'screen', screenFacts(deps)),
    planPartitions: inScope(deps, 'plan', planPartitions(deps)),
    checkQuality: inScope(deps, 'quality', checkQuality(deps)),
    writePartitions: counted('written', inScope(deps, 'write', writePartitions(deps))),
    auditObjects: inScope(deps, 'audit', auditObjects(deps)),
    balanceLedger: inScope(deps, 'audit', balanceLedger(deps)),
    writeAnalytics: inScope(deps, 'write', writeAnalytics(deps)),
    auditAnalytics: inScope(deps, 'audit', auditAnalytics(deps)),
    commitAnalytics: inScope(deps, 'publish', commitAnalytics(deps)),
    publishPartitions: counted('published', inScope(deps, 'publish', publishPartitions(deps))),
    registerTables: inScope(deps, 'register', registerTables(deps)),
    lookAtCount: inScope(deps, 'register', lookAtCount(deps)),
    stopCount: async (input) => void (await inScope(deps, 'register', stopCount(deps))(input)),
    removePartitions: inScope(deps, 'register', removePartitions(deps)),
    writeReport: async (input) => {
      const write = writeReport(deps)
      const inReport = inScope(deps, 'report', async (asked: ReportInput, scope) => ({
        result: await write(asked, scope),
      }))
      return (await inReport(input)).result
    },
    renewLock: async (run) => void (await inScope(deps, 'open', renewLock(deps))(run)),
    closeRun: async (input) => void (await inScope(deps, 'report', closeRun(deps))(input)),
    closeUnopened: async (input) => void (await inScope(deps, 'open', closeUnopened(deps))(input)),
  }
}

function counted(
  step: 'written' | 'published',
  act: (input: UnitInput) => Promise<UnitDone>,
): (input: UnitInput) => Promise<UnitDone> {
  return async (input) => {
    const done = await act(input)
    countUnit(step, done)
    return done
  }
}
