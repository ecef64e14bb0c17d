/** podman with the settings that it needs where there is no systemd. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './project.mjs'
import { exitCode, run, StepFailed, say, step } from './steps.mjs'

const PACKAGES = [
  'podman',
  'catatonit',
  'runc',
  'netavark',
  'aardvark-dns',
  'iptables',
  'debootstrap',
  'busybox-static',
]

/** Variables for everything that calls podman. */
export const PODMAN_ENV = { ...process.env, CONTAINERS_CONF: join(ROOT, 'test', 'containers', 'containers.conf') }

/** Runs podman; what it prints on stdout is dropped. */
export async function podman(args) {
  await run('podman', args, { stdio: ['ignore', 'ignore', 2], env: PODMAN_ENV })
}

/** What a program prints, trimmed; undefined when it fails. */
export async function answerOf(program, args) {
  try {
    const { stdout } = await promisify(execFile)(program, args, { env: PODMAN_ENV })
    return stdout.trim()
  } catch {
    return undefined
  }
}

/** Makes sure that podman is there; root on Debian gets it installed. */
export async function preparePodman() {
  if (
    (await answerOf('podman', ['version'])) !== undefined &&
    (await answerOf('iptables', ['--version'])) !== undefined &&
    (await answerOf('catatonit', ['--version'])) !== undefined
  )
    return
  await step('Installing podman (apt-get)', async () => {
    if (process.getuid?.() !== 0) throw new StepFailed(`install these as root: apt-get install ${PACKAGES.join(' ')}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const quiet = { stdio: ['ignore', 'ignore', 2], env }
    if ((await exitCode('apt-get', ['update', '-qq'], quiet)) !== 0)
      say('  apt-get update failed; trying what is there')
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], quiet)
  })
}
