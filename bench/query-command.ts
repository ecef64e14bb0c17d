/** `etl3 query` as a user runs it: how long the whole command takes, and its peak of memory. */
import { spawn } from 'node:child_process'

/** What a command took. */
export interface CommandCost {
  readonly seconds: number
  readonly peakMb: number
}

/** Tells the kernel's high-water mark where the process ends: nobody can read it afterwards. */
const TELLING = `data:text/javascript,${encodeURIComponent(`import { readFileSync, writeSync } from 'node:fs'
process.on('exit', () => writeSync(3, /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]))`)}`

/** Asks once. @throws Error where the command fails */
export async function queryCommand(cli: string, config: string, sql: string): Promise<CommandCost> {
  const began = performance.now()
  const args = ['--import', TELLING, cli, 'query', '--config', config, '-o', 'csv', sql]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  let told = ''
  child.stdio[3]?.on('data', (text) => {
    told += String(text)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`etl3 query ended with ${code}: ${sql}`)
  return { seconds: (performance.now() - began) / 1000, peakMb: Number(told) / 1024 }
}
