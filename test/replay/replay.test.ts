import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { Runtime, Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { describe, expect, it } from 'vitest'
import { SILENT_LOGGER } from '../../src/runtime/logging.js'
import { builtWorkflowBundle } from '../../src/runtime/temporal/workflow-bundle.js'

const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url))
const NAMES = readdirSync(HISTORIES).map((file) => file.replace(/\.json$/, ''))

Runtime.install({ logger: SILENT_LOGGER, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } })

type History = ReturnType<typeof historyFromJSON>

function recorded(name: string): History {
  const value: unknown = JSON.parse(readFileSync(`${HISTORIES}${name}.json`, 'utf8'))
  return historyFromJSON(value)
}

async function replay(history: History, code?: string): Promise<void> {
  const workflowBundle = code === undefined ? builtWorkflowBundle() : { code }
  await Worker.runReplayHistory({ workflowBundle }, history)
}

/** The built workflow with one change of its code. */
function changedWorkflow(from: string, to: string): string {
  const code = readFileSync(builtWorkflowBundle().codePath, 'utf8')
  expect(code.split(from), `the place of '${from}' in the workflow`).toHaveLength(2)
  return code.replace(from, to)
}

describe('a run that is under way goes on with a newer version', () => {
  it('is tested with runs that end in every way', () => {
    expect(NAMES).toEqual([
      'analytics',
      'cancelled',
      'continued-first',
      'continued-last',
      'counted',
      'failed',
      'full',
      'paused',
      'unchanged',
    ])
  })

  for (const name of NAMES) {
    it(`when it is one that was recorded as '${name}'`, async () => {
      await replay(recorded(name))
    })
  }

  it('and a change that it could not follow is caught: another step in a place', async () => {
    const code = changedWorkflow('.screenFacts(run)', '.planPartitions(run)')
    await expect(replay(recorded('full'), code)).rejects.toThrow(DeterminismViolationError)
  })

  it('and a change that it could not follow is caught: a step left out', async () => {
    const code = changedWorkflow("await log.phase('audit', () => audit(log, work));", '')
    await expect(replay(recorded('full'), code)).rejects.toThrow(DeterminismViolationError)
  })

  it('and a change that it could not follow is caught: a pause left out', async () => {
    const code = changedWorkflow('.sleep)(pauseMs)', '.condition)(() => true)')
    await expect(replay(recorded('counted'), code)).rejects.toThrow(DeterminismViolationError)
  })

  it('and the histories hold no place of the machine that they were recorded on', () => {
    for (const name of NAMES) {
      const text = readFileSync(`${HISTORIES}${name}.json`, 'utf8')
      const data = [...text.matchAll(/"data": "([^"]*)"/g)].map(([, base64 = '']) => atob(base64))
      for (const part of [text, ...data]) expect(part).not.toMatch(/\/tmp\/|\/home\/|\/root\/|\/Users\/|\/work\//)
    }
  })
})
