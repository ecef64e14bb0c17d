/** DuckDB's command line with its `iceberg` extension, from the pinned Python packages; it fetches nothing. */
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'

/** Python with the pinned packages: the project's test script says where; its absence fails the test. */
export const PYTHON = process.env['ETL3_PYTHON'] ?? 'python3'

/** `INSTALL` finds them where it would put them. */
const EXTENSIONS = ['avro', 'iceberg']

/** Where a program runs. */
export interface ProgramPlace {
  /** The user's folder, with DuckDB's extensions. */
  readonly home: string
  /** Default: the home. */
  readonly cwd?: string
}

/** Runs a program with the programs of the Python's packages on PATH. @returns what it wrote on stdout */
export function runProgram(program: string, args: readonly string[], { home, cwd = home }: ProgramPlace): string {
  const sidePackages = process.env['PYTHONPATH']
  const path = [dirname(resolve(PYTHON)), ...(sidePackages ? [join(sidePackages, 'bin')] : []), process.env['PATH']]
  const env = { ...process.env, HOME: home, PATH: path.join(delimiter) }
  const absolute = program.includes('/') ? resolve(program) : program
  return execFileSync(absolute, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Puts the extensions where DuckDB's command line looks for them. */
export function installIceberg(place: ProgramPlace): void {
  const ask = (sql: string): string => runProgram('duckdb', ['-noheader', '-list', '-c', sql], place).trim()
  const platform = ask('PRAGMA platform')
  const version = ask('SELECT version()')
  for (const name of EXTENSIONS) {
    const script = `import duckdb_extension_${name} as m; print(m.__path__[0])`
    const found = runProgram(PYTHON, ['-c', script], place).trim()
    const file = `${name}.duckdb_extension`
    // Its one folder is named after the version of DuckDB.
    const to = join(place.home, '.duckdb', 'extensions', version, platform, file)
    cpSync(join(found, 'extensions', version, file), to)
  }
}
