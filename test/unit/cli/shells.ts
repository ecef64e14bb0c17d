/** Real shells. One that is not installed is unpacked from the distribution's package into a folder of the project. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Packages that hold a shell and what it is made of. */
const PACKAGES = { bash: ['bash'], zsh: ['zsh', 'zsh-common'], fish: ['fish', 'fish-common', 'libpcre2-32-0'] } as const

/** A shell: its program, and the environment that it needs. */
export interface RealShell {
  readonly program: string
  readonly env: NodeJS.ProcessEnv
  /** Where its own functions lie, when that is not where it was built to look. */
  readonly root: string
}

/** @throws Error when it is neither installed nor to be had from the distribution */
export function realShell(name: keyof typeof PACKAGES): RealShell {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const program = join(folder, name)
    if (existsSync(program)) return { program, env: process.env, root: '/' }
  }
  const root = resolve('.etl3', 'shells', name)
  if (!existsSync(root)) unpack(PACKAGES[name], root)
  const program = ['usr/bin', 'bin'].map((folder) => join(root, folder, name)).find(existsSync)
  if (program === undefined) throw new Error(`the package of ${name} holds no ${name}`)
  const libraries = existsSync(join(root, 'usr/lib')) ? readdirSync(join(root, 'usr/lib')) : []
  const path = libraries.map((folder) => join(root, 'usr/lib', folder)).join(':')
  return { program, env: { ...process.env, LD_LIBRARY_PATH: path }, root }
}

function unpack(packages: readonly string[], root: string): void {
  const folder = `${root}.new`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // Needs no rights: nothing is installed.
  const download = (): unknown => execFileSync('apt-get', ['download', ...packages], { cwd: folder, stdio: 'pipe' })
  try {
    download()
  } catch {
    // A fresh machine has no lists of packages yet.
    execFileSync('apt-get', ['update'], { stdio: 'pipe' })
    download()
  }
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.deb')) execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: folder, stdio: 'pipe' })
  }
  renameSync(folder, root)
}
