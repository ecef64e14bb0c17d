// A command that opens a session, starts the tiny workflow and waits: to be killed at any moment. Needs a built ETL3.
// Arguments: one JSON object { config, workflowId, env, steps, stepMs, idleAfterMs, detach }.
import { fileURLToPath } from 'node:url'
import { SILENT_LOGGER } from '../../../../dist/runtime/logging.js'
import { openSession } from '../../../../dist/runtime/session.js'

const { config, workflowId, env, steps, stepMs, idleAfterMs, defaultAddress } = JSON.parse(process.argv[2])
const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)

const session = await openSession({
  config,
  workflowId,
  env: { ...process.env, ...env },
  defaultAddress,
  idleAfterMs,
  log: SILENT_LOGGER,
  workerEntry: fileURLToPath(new URL('./worker.mjs', import.meta.url)),
  onNotice: (line) => say('notice', { line }),
})
say('open', { address: session.address, workerPid: session.workerPid, folder: session.folder, uiUrl: session.uiUrl })
const handle = await session.client.workflow.start('tiny', {
  taskQueue: session.taskQueue,
  workflowId,
  workflowIdConflictPolicy: 'USE_EXISTING',
  args: [steps, stepMs],
})
say('started')
const detached = new Promise((resolve) => process.once('SIGTERM', () => resolve('detached')))
const pids = await Promise.race([handle.result(), session.broken, detached])
if (pids === 'detached') {
  await session.close({ stopServer: false })
  say('detached')
} else {
  say('result', { pids })
  await session.close({ stopServer: true })
  say('closed')
}
process.exit()
