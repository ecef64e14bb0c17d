import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'etl3-pack-'))
let tarball: string
let packed: string[]

beforeAll(() => {
  if (!existsSync('dist/index.js')) throw new Error('build first: npm run build')
  const out = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const [pack]: { filename: string; files: { path: string }[] }[] = JSON.parse(out)
  tarball = join(folder, pack?.filename ?? '')
  packed = (pack?.files ?? []).map(({ path }) => path)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the package', () => {
  it('holds what it names, and nothing of a run or of the tests', () => {
    const named = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target),
      ),
    ].map((path) => path.replace(/^\.\//, ''))
    expect(packed).toEqual(expect.arrayContaining(named))
    expect(packed).toEqual(
      expect.arrayContaining([
        'dist/worker.js',
        'dist/workflow-bundle.js',
        'config/etl3.yaml',
        'LICENSE',
        'README.md',
        'docs/tutorial.md',
        'examples/own-worker.ts',
      ]),
    )
    for (const path of packed) {
      expect(path).toMatch(/^(dist|config|docs|examples)\/|^(README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/)
      expect(path).not.toMatch(/(^|\/)\.|\.tsbuildinfo$|^docs\/api\//)
    }
  })

  it('is found right by publint', () => {
    execFileSync(process.execPath, ['node_modules/publint/src/cli.js', tarball, '--strict'], { stdio: 'pipe' })
  })

  it('has types that every kind of import of an ES module resolves', () => {
    execFileSync(
      process.execPath,
      ['node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only', '--no-emoji'],
      {
        stdio: 'pipe',
      },
    )
  })
})
