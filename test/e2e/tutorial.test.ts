import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, it } from 'vitest'
import { glueRules } from '../aws/glue-rules.js'
import { JsonFront } from '../aws/json-front.js'
import { startMoto } from '../aws/moto.js'
import { SmallAthena } from '../aws/small-athena.js'
import { CREDENTIAL_VARIABLES, CREDENTIALS, startVersitygw } from '../aws/support/servers.js'
import { ETL3 } from './support/command.js'

/** A command of the page, and what the page says that it prints. */
interface Step {
  readonly section: string
  readonly command: string
  readonly printed: string | undefined
}

const root = mkdtempSync(join(tmpdir(), 'etl3-tutorial-'))
const bin = join(root, 'bin')

afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))

/** The fenced blocks in order: shell, and the text after it. */
function stepsOf(page: string): Step[] {
  const steps: Step[] = []
  let section = ''
  for (const [, heading, language, body = ''] of page.matchAll(/^## (.*)$|^```(sh|text)\n([\s\S]*?)^```$/gm)) {
    const last = steps.at(-1)
    if (heading !== undefined) section = heading
    else if (language === 'sh') steps.push({ section, command: body, printed: undefined })
    else if (last && last.printed === undefined) steps[steps.length - 1] = { ...last, printed: body }
    // Two outputs after one command: what it prints when it is run again.
    else steps.push({ section, command: last?.command ?? '', printed: body })
  }
  return steps
}

function script(name: string, body: string): void {
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, name), `#!/usr/bin/env bash\n${body}\n`)
  chmodSync(join(bin, name), 0o755)
}

/** S3 with the page's bucket, Glue, Athena and STS; what the SDK finds them by. */
async function startAws(): Promise<{ readonly env: NodeJS.ProcessEnv; stop(): Promise<void> }> {
  const [s3, moto] = await Promise.all([startVersitygw(), startMoto()])
  const bucket = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  })
  await bucket.send(new CreateBucketCommand({ Bucket: 'my-bucket' }))
  bucket.destroy()
  const athena = new SmallAthena((location) => join(s3.folder ?? '', location.replace('s3://', '')))
  const front = await JsonFront.open(moto.url, [athena.handler, ...glueRules()])
  return {
    env: {
      ...CREDENTIAL_VARIABLES,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_GLUE: front.url,
      AWS_ENDPOINT_URL_ATHENA: front.url,
      AWS_ENDPOINT_URL_STS: moto.url,
    },
    async stop() {
      await front.close()
      await Promise.all([s3.stop(), moto.stop()])
    },
  }
}

/** Runs all steps in one shell, so that its variables last; answers what each printed. */
async function run(steps: readonly Step[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const folder = join(root, 'work')
  mkdirSync(join(folder, 'config'), { recursive: true })
  writeFileSync(join(folder, 'config', 'etl3.yaml'), readFileSync('config/etl3.yaml'))
  const node = process.execPath
  script('npx', `shift; exec '${node}' '${ETL3}' "$@"`)
  // What scripts/start.mjs does with a checkout that is built.
  script(
    'npm',
    `[ "$*" = start ] || { echo "unknown: npm $*"; exit 1; }
    '${node}' '${resolve('dist/demo/main.js')}' --out demo/star
    ETL3_INPUT_ROOT=demo/star ETL3_INPUT_TABLES_FACT_RATE='demo/star/gold/fact_rate*.parquet' exec npx etl3 run --config config/etl3.yaml`,
  )
  const body = steps.map(({ command }, i) => {
    // The one command that stays until it is told to end.
    const ends = command.replace(
      /^npx etl3 dev$/m,
      'timeout --signal TERM --preserve-status 20 npx etl3 dev --port 0 --ui-port 0',
    )
    return `exec > '${join(root, `${i}.out`)}' 2>&1\n${ends}`
  })
  const child = spawn('bash', ['--norc', '-c', body.join('\n')], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      ...process.env,
      ...env,
      PATH: `${bin}:${process.env['PATH']}`,
      NO_COLOR: '1',
      ETL3_STATE_DIR: join(root, 'state'),
      // Waiting for a dead worker is most of the page's time.
      ETL3_TEMPORAL_HEARTBEAT_TIMEOUT_MS: '4000',
    },
  })
  await new Promise((ended, failed) => child.once('error', failed).once('close', ended))
  return steps.map((_, i) => readFileSync(join(root, `${i}.out`), 'utf8'))
}

/** A line of the page as an expression: times, sizes of memory, ids and ports may differ, `…` stands for anything. */
function pattern(line: string): RegExp {
  const escaped = line.trimEnd().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const free = escaped
    .replaceAll('…', '.*')
    .replace(/\d+\\\.\d s\b/g, '(\\d+ min )?\\d+(\\.\\d)? s')
    .replace(/[\d,]+ MB at the peak/g, '[\\d,]+ MB at the peak')
    .replace(/\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{16}\b/g, '[0-9a-f]{16}')
    .replace(/\d{4}-\d\d-\d\dT[\d:\\.]+Z/g, '\\S+Z')
  return new RegExp(`^${free}`)
}

describe('docs/tutorial.md', { timeout: 1_800_000 }, () => {
  it('prints what it says', async () => {
    const steps = stepsOf(readFileSync('docs/tutorial.md', 'utf8'))
    expect(steps.length).toBeGreaterThan(15)
    const aws = await startAws()
    const outputs = await run(steps, aws.env).finally(() => aws.stop())
    if (process.env['ETL3_TEST_KEEP'] !== undefined) execFileSync('cp', ['-r', root, process.env['ETL3_TEST_KEEP']])
    for (const [i, { section, command, printed }] of steps.entries()) {
      let lines = (outputs[i] ?? '').split('\n')
      for (const line of (printed ?? '').split('\n').filter((one) => one.trim() !== '' && one !== '…')) {
        const at = lines.findIndex((one) => pattern(line).test(one))
        expect(at, `${section}\n$ ${command}is to print\n${line}\nand printed\n${outputs[i]}`).toBeGreaterThanOrEqual(0)
        lines = lines.slice(at + 1)
      }
    }
  })
})
