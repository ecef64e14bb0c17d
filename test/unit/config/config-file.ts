/** A folder with a configuration file in it, for one test. */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

const PREFIX = 'etl3-config-'

/** Makes a folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), PREFIX))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Writes a configuration file and answers its path: of the project in which the test works ({@link workIn}), or of one in
 * a folder of its own.
 */
export function configFile(text: string): string {
  const folder = basename(process.cwd()).startsWith(PREFIX) ? process.cwd() : testFolder()
  const [first, ...others] = ['etl3', 'second', 'third'].map((name) => join(folder, 'config', `${name}.yaml`))
  const file = [first, ...others].find((path) => path !== undefined && !existsSync(path)) ?? join(folder, 'more.yaml')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

/** Makes `folder` the working directory until the test ends. */
export function workIn(folder: string): void {
  const before = process.cwd()
  process.chdir(folder)
  onTestFinished(() => process.chdir(before))
}
