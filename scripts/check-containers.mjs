/**
 * `npm run check:containers`: builds the image, brings the Compose file up with podman and tests what runs in it.
 * Ends with one line `N passed, N failed`. Arguments go on to vitest.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { prepareContainerTools } from './lib/container-tools.mjs'
import { PODMAN_ENV, podman, preparePodman } from './lib/podman.mjs'
import { ROOT } from './lib/project.mjs'
import { buildStandIns, CERTIFICATES } from './lib/stand-ins.mjs'
import { main, step } from './lib/steps.mjs'
import { runVitest } from './lib/vitest.mjs'

/** The images of Dockerfile, containers/ and docker-compose.yml, by their stand-ins. */
const IMAGES = {
  node: 'docker.io/library/node:24.21.0-bookworm-slim',
  temporal: 'docker.io/temporalio/temporal:1.9.1',
  versitygw: 'docker.io/versity/versitygw:v1.8.0',
  moto: 'docker.io/motoserver/moto:5.2.5',
  trino: 'docker.io/trinodb/trino:476',
}

/** Builds with the network, the certificates and npm's cache of this machine. */
async function buildOwnImages() {
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim()
  const folder = mkdtempSync(join(tmpdir(), 'etl3-npmrc-'))
  const npmrc = join(folder, 'npmrc')
  writeFileSync(npmrc, `cafile=${CERTIFICATES}/ca-certificates.crt\n`)
  const mounts = [`${CERTIFICATES}:${CERTIFICATES}:ro`, `${npmrc}:/usr/local/etc/npmrc:ro`, `${cache}:/root/.npm`]
  try {
    await podman([
      ...['build', '--quiet', '--layers', '--format', 'docker', '--network', 'host'],
      ...mounts.flatMap((mount) => ['--volume', mount]),
      ...['--tag', 'etl3:local', '.'],
    ])
    await podman([
      'build',
      '--quiet',
      '--layers',
      '--network',
      'none',
      '--tag',
      'etl3-s3:local',
      join('containers', 's3'),
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main(async () => {
  process.chdir(ROOT)
  let counts = { passed: 0, failed: 1 }
  try {
    await build()
    await preparePodman()
    const tools = await prepareContainerTools()
    await buildStandIns(IMAGES)
    await step('Building the images of this checkout (podman build)', () => buildOwnImages())
    counts = await runVitest(['--config', join('test', 'containers', 'vitest.config.ts'), ...process.argv.slice(2)], {
      ...PODMAN_ENV,
      PODMAN_COMPOSE: tools.podmanCompose,
      HADOLINT: tools.hadolint,
      COMPOSE_LOADER: tools.composeLoader,
    })
    return counts.failed > 0 || counts.passed === 0 ? 1 : 0
  } finally {
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  }
})
