import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAlive } from '../../../src/runtime/process-identity.js'
import { answers, connectClient } from '../../../src/runtime/temporal/connection.js'
import {
  type DevServer,
  type DevServerOptions,
  startDevServer,
  stopDevServer,
} from '../../../src/runtime/temporal/dev-server.js'
import { findTemporalCli } from '../../../src/runtime/temporal/temporal-cli.js'

describe('a development server', () => {
  let folder = ''
  let cli = ''
  const servers: DevServer[] = []
  const listeners: Server[] = []
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'etl3-server-'))
    cli = (await findTemporalCli()).path
  })
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => stopDevServer(server.process)))
    for (const listener of listeners.splice(0)) listener.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(options: Partial<DevServerOptions> = {}): Promise<DevServer> {
    const dbFilename = join(folder, 'temporal.db')
    const logFile = join(folder, 'server.log')
    const server = await startDevServer({
      cli,
      dbFilename,
      port: 0,
      uiPort: 0,
      logFile,
      namespace: 'default',
      ...options,
    })
    servers.push(server)
    return server
  }

  /** Takes a port that the system chooses. */
  async function takePort(): Promise<number> {
    const listener = createServer()
    listeners.push(listener)
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    return address.port
  }

  it('serves its namespace, the Web UI and the search attributes of ETL3 at once, and no more once it is stopped', async () => {
    const server = await start({ namespace: 'claims' })
    expect((await fetch(`http://127.0.0.1:${server.uiPort}`)).status).toBe(200)
    const client = await connectClient(server.endpoint, 5_000)
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace: 'claims' })
    expect(Object.keys(customAttributes ?? {})).toEqual(
      expect.arrayContaining(['Etl3Dataset', 'Etl3Status', 'Etl3Rows']),
    )
    await client.connection.close()

    await stopDevServer(server.process)
    expect(isAlive(server.process)).toBe(false)
    expect(await answers(server.endpoint, 500)).toBe(false)
  })

  it('says the reason of its own log when its port is taken, not the end of its stack', async () => {
    await expect(start({ port: await takePort() })).rejects.toMatchObject({
      code: 'ETL3-TP-04',
      exitCode: 5,
      message: expect.stringMatching(/address already in use$/),
    })
  })

  it('tries another port when the one it chose was taken meanwhile', async () => {
    const taken = await takePort()
    const once = join(folder, 'once')
    const unlucky = join(folder, 'temporal')
    // The first start is sent to a port that somebody has taken; the ones after that go where they are told.
    writeFileSync(
      unlucky,
      `#!/bin/bash
args=("$@")
if mkdir '${once}' 2>/dev/null; then
  for i in "\${!args[@]}"; do if [ "\${args[$i]}" = --port ]; then args[$((i + 1))]=${taken}; fi; done
fi
exec '${cli}' "\${args[@]}"
`,
    )
    chmodSync(unlucky, 0o755)
    const server = await start({ cli: unlucky })
    expect(await answers(server.endpoint, 5_000)).toBe(true)
  })
})
