/** Memory that something else in a container takes, until the kernel has to kill. */
import { writeFileSync } from 'node:fs'
import { until } from '../e2e/support/until.js'
import type { Container, ProcessOfContainer } from './container.js'
import { podman } from './programs.js'

const PROGRAM = `
  const held = []
  setInterval(() => held.push(Buffer.alloc(4 << 20, 1)), 5)`

/** Fills a container's memory till the kernel has killed this process in it, and gives the memory back. */
export async function fillUntilKilled(container: Container, victim: ProcessOfContainer): Promise<void> {
  // The kernel takes what is largest: by then that could be the hog.
  writeFileSync(`/proc/${victim.pid}/oom_score_adj`, '1000')
  const before = (await container.memory()).kills
  await podman('exec', '--detach', container.name, 'node', '-e', PROGRAM)
  try {
    await until('the kernel to kill', async () => (await container.memory()).kills > before)
    await until('it to be gone', async () => !(await container.processes()).some(({ pid }) => pid === victim.pid))
  } finally {
    const hog = (await container.processes()).find(({ command }) => command.includes('held.push'))
    if (hog) await container.end(hog, 'SIGKILL')
  }
}
