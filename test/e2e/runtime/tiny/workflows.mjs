import { proxyActivities } from '@temporalio/workflow'

const { step } = proxyActivities({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '2 s',
  retry: { initialInterval: '100 ms' },
})

/** Runs `steps` activities of `stepMs` each; answers the pids of the workers that ran them. */
export async function tiny(steps, stepMs) {
  const pids = []
  for (let index = 0; index < steps; index++) pids.push(await step(stepMs))
  return pids
}
