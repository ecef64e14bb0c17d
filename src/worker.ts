/** Entry point of a worker process. Its input holds the settings and the server (see runtime/worker/settings). */
import { createActivities } from './activities/index.js'
import { Etl3Error, messageOf } from './runtime/errors.js'
import { createLogger } from './runtime/logging.js'
import { builtWorkflowBundle } from './runtime/temporal/workflow-bundle.js'
import { runWorker } from './runtime/worker/host.js'
import { readOrders } from './runtime/worker/settings.js'

const orders = await readOrders(process.stdin)
if (!orders) process.exit()
const { settings } = orders
const log = createLogger({ ...settings.logging, origin: 'worker' })

try {
  const endpoint = await orders.endpoint()
  if (endpoint) {
    await runWorker({
      settings,
      endpoint,
      log,
      workflows: { workflowBundle: builtWorkflowBundle() },
      activities: createActivities,
    })
  }
} catch (error) {
  log.error('the worker failed', { error })
  // Its parent reads the last line to say why it ended.
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = error instanceof Etl3Error ? error.exitCode : 1
}
// Native threads of a connection that never came about would keep the process.
process.exit()
