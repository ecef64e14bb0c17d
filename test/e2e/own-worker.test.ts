import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { startDevServer, stopDevServer } from '../../src/runtime/temporal/dev-server.js'
import { findTemporalCli } from '../../src/runtime/temporal/temporal-cli.js'
import { Home } from './support/home.js'
import { demoStar } from './support/stars.js'

describe("examples/own-worker.ts, by the package's own name", () => {
  it('serves the workflow in a worker of its own', async () => {
    await using home = new Home((await demoStar(400)).options)
    // Inside of the package, so that its name means this build.
    const folder = resolve('.etl3', `example-${process.pid}`)
    mkdirSync(folder, { recursive: true })
    const source = readFileSync('examples/own-worker.ts', 'utf8')
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    })
    writeFileSync(join(folder, 'own-worker.mjs'), outputText)
    const server = await startDevServer({
      cli: (await findTemporalCli()).path,
      dbFilename: join(home.root, 'server.db'),
      port: 0,
      uiPort: 0,
      logFile: join(home.root, 'server.log'),
      namespace: 'default',
    })
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--expose-gc', join(folder, 'own-worker.mjs'), 'c.yaml'],
        {
          cwd: home.root,
          env: { ...process.env, TEMPORAL_ADDRESS: server.endpoint.address },
        },
      )
      expect(stdout).toMatch(/^planned: \d+ rows in \d+ partitions\n$/)
      const [runId = ''] = home.runIds
      const { rows, partitions } = home.record(runId, 'plan.json')
      const total =
        typeof partitions === 'object' && partitions !== null && 'total' in partitions ? partitions.total : undefined
      expect(stdout).toBe(`planned: ${rows} rows in ${total} partitions\n`)
    } finally {
      await stopDevServer(server.process)
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
