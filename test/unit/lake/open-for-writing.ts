/** Somebody who has the catalog open in DuckDB's own shell. */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

const DUCKDB = createRequire(import.meta.url).resolve('@duckdb/node-api')

/** Opens a DuckDB file for writing in another process, until the test ends. */
export async function openForWriting(file: string): Promise<void> {
  const script = `
    require(${JSON.stringify(DUCKDB)}).DuckDBInstance.create(${JSON.stringify(file)}).then((instance) => {
      process.stdout.write('open\\n')
      setInterval(() => instance, 1000)
    })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'open') throw new Error(`cannot open ${file}`)
}
