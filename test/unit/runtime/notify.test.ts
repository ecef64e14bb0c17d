import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogger } from '../../../src/runtime/logging.js'
import { notify } from '../../../src/runtime/notify.js'
import { testFolder } from '../config/config-file.js'

const MESSAGE = { status: 'published', runId: 'a1', note: 'über\n"quoted"' }
const NEVER = new AbortController().signal

/** A server that keeps what is posted to it. */
async function receiver(answer: (path: string) => { status: number; location?: string } | undefined) {
  const posts: { path: string; body: string; type: string | undefined }[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      posts.push({ path: request.url ?? '', body, type: request.headers['content-type'] })
      const said = answer(request.url ?? '')
      // No answer at all: the other side hangs.
      if (said)
        response.writeHead(said.status, said.location === undefined ? {} : { location: said.location }).end('thanks')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return { posts, url: `http://127.0.0.1:${address.port}` }
}

/** Whether a process works; one that has ended and is not yet buried does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function logged() {
  const file = join(testFolder(), 'log')
  const log = createLogger({ file, level: 'info', max_size_mb: 1, keep: 1, origin: 'test' })
  return { log, text: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') }
}

describe('a notification', () => {
  it('reaches a program on its standard input, with arguments that no shell reads', async () => {
    const folder = testFolder()
    const program = join(folder, 'hook.sh')
    writeFileSync(program, `#!/bin/sh\nprintf '%s' "$1" > ${folder}/argument\ncat > ${folder}/input\n`)
    chmodSync(program, 0o755)
    const { log, text } = logged()
    const argument = '$(touch pwned); `id` * "x"'
    await notify({ command: [program, argument], timeout_ms: 20_000 }, MESSAGE, {
      env: process.env,
      log,
      signal: NEVER,
    })
    expect(readFileSync(join(folder, 'argument'), 'utf8')).toBe(argument)
    expect(JSON.parse(readFileSync(join(folder, 'input'), 'utf8'))).toEqual(MESSAGE)
    expect(text()).toContain('"message":"notified"'.replace('message', 'msg'))
  })

  it('is posted to an address whose secret stands in a variable, and in no log line', async () => {
    const { posts, url } = await receiver(() => ({ status: 200 }))
    const { log, text } = logged()
    const env = { HOOK_TOKEN: 'very-secret' }
    await notify({ command: [], url: `${url}/\${HOOK_TOKEN}`, timeout_ms: 20_000 }, MESSAGE, {
      env,
      log,
      signal: NEVER,
    })
    expect(posts).toEqual([{ path: '/very-secret', body: `${JSON.stringify(MESSAGE)}\n`, type: 'application/json' }])
    expect(text()).not.toContain('very-secret')
  })

  it.each([
    ['a status that is none of success', (): { status: number } => ({ status: 500 }), 'it answered with status 500'],
    [
      'a redirect elsewhere',
      (): { status: number; location: string } => ({ status: 302, location: '/other' }),
      'it did not work',
    ],
    ['a side that hangs', (): undefined => undefined, 'it took more than 300 ms'],
  ])('only logs %s', async (_, answer, reason) => {
    const { posts, url } = await receiver(answer)
    const { log, text } = logged()
    const env = { SECRET: 'hidden' }
    await notify({ command: [], url: `${url}/\${SECRET}`, timeout_ms: 300 }, MESSAGE, { env, log, signal: NEVER })
    expect(posts).toHaveLength(1)
    expect(text()).toContain('the notification failed; the run is not affected')
    expect(text()).toContain(reason)
    expect(text()).not.toContain('hidden')
  })

  it.each([
    [['/bin/sh', '-c', 'exit 3'], 'it ended with exit code 3'],
    [['/bin/sleep', '60'], 'it took more than 300 ms'],
    [['/no/such/program'], 'ENOENT'],
  ])('only logs the failure of %j', async (command, reason) => {
    const { log, text } = logged()
    await notify({ command, timeout_ms: 300 }, MESSAGE, { env: process.env, log, signal: NEVER })
    expect(text()).toContain(reason)
  })

  it('ends what the program has started, too, when its time is over', async () => {
    const pidFile = join(testFolder(), 'pid')
    const { log, text } = logged()
    const command = ['/bin/sh', '-c', `sleep 60 & echo $! > ${pidFile}; wait`]
    await notify({ command, timeout_ms: 500 }, MESSAGE, { env: process.env, log, signal: NEVER })
    expect(text()).toContain('it took more than 500 ms')
    const started = Number(readFileSync(pidFile, 'utf8'))
    // Killed, and buried by whoever adopts it.
    await vi.waitFor(() => expect(isRunning(started)).toBe(false), { timeout: 5_000 })
  })

  it('names a variable that is not set, and posts nothing', async () => {
    const { posts, url } = await receiver(() => ({ status: 200 }))
    const { log, text } = logged()
    await notify({ command: [], url: `${url}/\${GONE}`, timeout_ms: 300 }, MESSAGE, { env: {}, log, signal: NEVER })
    expect(posts).toEqual([])
    expect(text()).toContain('the variable GONE is not set')
  })
})
