import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { endProcess, identifyProcess, isAlive, signalProcess } from '../../../src/runtime/process-identity.js'

function start(script: string): { identity: { pid: number; began: string }; ready: Promise<void> } {
  const child = spawn(process.execPath, ['-e', `${script}; console.log('ready')`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const identity = identifyProcess(child.pid ?? 0)
  if (!identity) throw new Error('no process')
  return { identity, ready: new Promise((resolve) => child.stdout.once('data', () => resolve())) }
}

describe('a process', () => {
  it('is alive until it ends', async () => {
    const { identity, ready } = start('setInterval(() => {}, 1000)')
    await ready
    expect(isAlive(identity)).toBe(true)
    expect(await endProcess(identity, 5_000)).toBe(false)
    expect(isAlive(identity)).toBe(false)
  })

  it('that does not listen to SIGTERM is killed after its grace', async () => {
    const { identity, ready } = start("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)")
    await ready
    expect(await endProcess(identity, 200)).toBe(true)
    expect(isAlive(identity)).toBe(false)
  })

  it('is never mistaken for another one that has its pid now', () => {
    const other = { pid: process.pid, began: 'another time' }
    expect(isAlive(other)).toBe(false)
    expect(signalProcess(other, 'SIGKILL')).toBe(false)
  })
})
