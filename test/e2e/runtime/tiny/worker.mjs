// A worker process of the real kind with a tiny workflow. Needs a built ETL3.
import { setTimeout } from 'node:timers/promises'
import { heartbeat } from '@temporalio/activity'
import { createLogger } from '../../../../dist/runtime/logging.js'
import { runWorker } from '../../../../dist/runtime/worker/host.js'
import { readOrders } from '../../../../dist/runtime/worker/settings.js'

const orders = await readOrders(process.stdin)
if (!orders) process.exit()
const { settings } = orders
const log = createLogger({ ...settings.logging, origin: 'worker' })

const endpoint = await orders.endpoint()
if (!endpoint) process.exit()
await runWorker({
  settings,
  endpoint,
  log,
  workflows: { workflowBundle: { codePath: process.env.TINY_BUNDLE } },
  activities: () => ({
    async step(ms) {
      for (let passed = 0; passed < ms; passed += 100) {
        heartbeat()
        await setTimeout(100)
      }
      return process.pid
    },
  }),
})
process.exit()
