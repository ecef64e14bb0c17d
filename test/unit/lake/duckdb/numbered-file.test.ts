import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { NumberedFile } from '../../../../src/lake/duckdb/numbered-file.js'
import { until } from '../../../e2e/support/until.js'
import { lakeFolder } from '../folder/lake-folder.js'

const MODULE = pathToFileURL(resolve('dist/lake/duckdb/numbered-file.js')).href

function freshFile(text: string): string {
  const file = join(lakeFolder(), 'fresh')
  writeFileSync(file, text)
  return file
}

/** A process of its own that replaces the file, and is stopped or killed with its link made and not yet in place. */
function writerThatIsStruck(path: string, number: number, signal: 'SIGSTOP' | 'SIGKILL') {
  const script = `import { NumberedFile } from '${MODULE}'
    console.log(new NumberedFile(process.argv[1]).replace(process.argv[2], ${number}))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path, freshFile('older')], {
    env: { ...process.env, ETL3_FAILPOINT: 'register:show', ETL3_FAILPOINT_SIGNAL: signal },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (text) => {
    printed += String(text)
  })
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(printed.trim())))
  return { child, ended }
}

describe('a file with numbered versions', () => {
  it('is the newest one, whoever writes last', () => {
    const path = join(lakeFolder(), 'catalog')
    const file = new NumberedFile(path)
    expect(file.replace(freshFile('first'), 3)).toBe(3)
    expect(file.replace(freshFile('again'), 3)).toBe(3)
    expect(readFileSync(path, 'utf8')).toBe('again')
    expect(file.replace(freshFile('newer'), 12)).toBe(12)
    expect(file.replace(freshFile('late'), 4)).toBe(12)
    expect(readFileSync(path, 'utf8')).toBe('newer')
    expect(readdirSync(`${path}.versions`)).toEqual(['0000000012'])
  })

  it('is not brought back by a writer that was stopped after its last look and wakes up', async () => {
    const path = join(lakeFolder(), 'catalog')
    const { child, ended } = writerThatIsStruck(path, 11, 'SIGSTOP')
    await until('the writer to stop', () => / T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')))
    expect(new NumberedFile(path).replace(freshFile('newer'), 12)).toBe(12)
    child.kill('SIGCONT')
    expect(await ended).toBe('12')
    expect(readFileSync(path, 'utf8')).toBe('newer')
    expect(readdirSync(`${path}.versions`)).toEqual(['0000000012'])
  })

  it('is whole after a writer was killed there, and the next one clears away what it left', async () => {
    const path = join(lakeFolder(), 'catalog')
    const file = new NumberedFile(path)
    file.replace(freshFile('first'), 10)
    const { ended } = writerThatIsStruck(path, 11, 'SIGKILL')
    expect(await ended).toBe('')
    expect(readFileSync(path, 'utf8')).toBe('first')
    expect(file.replace(freshFile('second'), 11)).toBe(11)
    expect(readFileSync(path, 'utf8')).toBe('second')
    expect(readdirSync(`${path}.versions`)).toEqual(['0000000011'])
  })
})
