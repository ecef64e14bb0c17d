import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { configSchema } from '../../../../src/config/schema.js'
import { identifyProcess } from '../../../../src/runtime/process-identity.js'
import { ownTaskQueue, taskQueueAt } from '../../../../src/runtime/temporal/task-queue.js'

const STRANGER = { address: '127.0.0.1:7233', namespace: 'default', useProfile: false }
const folders: string[] = []

function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-queue-'))
  folders.push(folder)
  return folder
}

function temporal(settings: Record<string, unknown> = {}) {
  return configSchema.parse({ temporal: settings }).temporal
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

describe('the task queue of a run', () => {
  it('on a server that happens to be there is one that no other table uses', () => {
    const [a, b] = [stateFolder(), stateFolder()]
    const queues = [a, b].map((folder) => taskQueueAt(STRANGER, temporal(), folder))
    expect(queues).toEqual([ownTaskQueue(a), ownTaskQueue(b)])
    expect(new Set([...queues, 'etl3']).size).toBe(3)
  })

  it('is the configured one wherever the server is', () => {
    expect(taskQueueAt(STRANGER, temporal({ task_queue: 'etl3' }), stateFolder())).toBe('etl3')
    expect(taskQueueAt(STRANGER, temporal({ task_queue: 'nightly' }), stateFolder())).toBe('nightly')
  })

  it("is 'etl3' on a configured server", () => {
    expect(taskQueueAt(STRANGER, temporal({ address: STRANGER.address }), stateFolder())).toBe('etl3')
  })

  it("is 'etl3' on the server of the table itself, as 'etl3 dev' starts it", () => {
    const folder = stateFolder()
    mkdirSync(folder, { recursive: true })
    const record = {
      process: identifyProcess(process.pid),
      port: 7233,
      uiPort: 8233,
      namespace: 'default',
      started: 'now',
    }
    writeFileSync(join(folder, 'server.json'), JSON.stringify(record))
    expect(taskQueueAt(STRANGER, temporal(), folder)).toBe('etl3')
    expect(taskQueueAt({ ...STRANGER, address: '127.0.0.1:7234' }, temporal(), folder)).toBe(ownTaskQueue(folder))
  })
})
