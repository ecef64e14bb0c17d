/** Builds dist/: the compiled sources, their assets, and the workflow bundle. Does nothing when dist/ is newer than all of them. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkNode, filesIn, installDependencies, modified, ROOT } from './lib/project.mjs'
import { main, run, step } from './lib/steps.mjs'

const SOURCES = join(ROOT, 'src')
const TARGET = join(ROOT, 'dist')
const STAMP = join(TARGET, '.built')
const WORKFLOWS = join('workflows', 'etl3')
const BUNDLE = join(TARGET, 'workflow-bundle.js')

/** Builds what is not built. */
export async function build() {
  const inputs = [...filesIn(SOURCES), ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map(inRoot)]
  const sources = inputs.filter((path) => path.startsWith(SOURCES))
  const built = modified(STAMP)
  const removed = outputsWithoutSource(sources)
  if (removed.length === 0 && inputs.every((path) => modified(path) <= built)) return
  // What changes while the build runs is newer than this, and so is built next time.
  const began = new Date()

  await step('Compiling', async () => {
    for (const path of removed) rmSync(path)
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const info = join(TARGET, '.tsbuildinfo')
    // An output that was deleted by hand is not written again by an incremental compilation.
    if (!existsSync(STAMP)) rmSync(info, { force: true })
    await run(process.execPath, [tsc, '-p', inRoot('tsconfig.build.json'), '--incremental', '--tsBuildInfoFile', info])
    for (const path of sources) {
      if (path.endsWith('.ts')) continue
      const target = join(TARGET, relative(SOURCES, path))
      mkdirSync(dirname(target), { recursive: true })
      copyFileSync(path, target)
    }
    // The compiler leaves the mode of a plain file; `npx etl3` runs this one.
    chmodSync(join(TARGET, 'cli', 'main.js'), 0o755)
  })
  if (existsSync(join(SOURCES, `${WORKFLOWS}.ts`))) {
    await step('Bundling the workflow', async () => {
      const { writeWorkflowBundle } = await import(
        pathToFileURL(join(TARGET, 'runtime', 'temporal', 'workflow-bundle.js')).href
      )
      const silent = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error }
      await writeWorkflowBundle({ workflowsPath: join(TARGET, `${WORKFLOWS}.js`), target: BUNDLE, logger: silent })
    })
  }
  writeFileSync(STAMP, began.toISOString())
  utimesSync(STAMP, began, began)
}

// A module whose source is gone would still be found by an import.
function outputsWithoutSource(sources) {
  const kept = new Set(sources.map((path) => relative(SOURCES, path).replace(/\.ts$/, '')))
  return filesIn(TARGET).filter((path) => {
    const output = relative(TARGET, path)
    const source = output.replace(/(\.d\.ts|\.js)(\.map)?$/, '')
    return path !== BUNDLE && !output.startsWith('.') && !kept.has(source) && !kept.has(output)
  })
}

function inRoot(name) {
  return join(ROOT, name)
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    await checkNode()
    await installDependencies()
    await build()
  })
}
