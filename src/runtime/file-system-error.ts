/** What a refusal of the file system means for a person, wherever it comes from. */
import { ConfigError, ConflictError, Etl3Error, InputError, ResourceError, UnavailableError } from './errors.js'
import { fullDisk } from './full-disk.js'

/** What to do where too many files are open. */
export const OPEN_FILES_HINT = 'Raise the limit of open files (ulimit -n); 1,024 are enough.'

/** System calls about processes and the network have the same codes and mean other things. */
const OTHER_CALLS = /^(?:spawn|connect|listen|bind|accept|getaddrinfo|queryA|kill|shutdown)/

/**
 * Node's error of a failed system call on a file (it knows its path), or DuckDB's `IO Error`, as an error with a code and
 * a way out. Undefined for anything else.
 *
 * - ResourceError `ETL3-DK-01`: the disk (its bytes or its inodes) or a quota is full; `ETL3-DK-21`: too many files are open
 * - ConfigError `ETL3-DK-03`: no permission, or the disk is read-only
 * - ConflictError `ETL3-DK-04`: a file stands where a folder is needed, or the other way round
 * - InputError `ETL3-DK-20`: there is no such file or folder
 * - UnavailableError `ETL3-DK-22`: anything else that the file system says
 *
 * @param place what was written to, where the error does not know it: `standard output`
 */
export function fileSystemError(error: unknown, place?: string): Etl3Error | undefined {
  if (!(error instanceof Error) || error instanceof Etl3Error) return undefined
  if (error.message.startsWith('IO Error: ')) return engineError(error)
  const { code, syscall, path } = systemCallOf(error)
  if (code === 'ENOENT' && syscall === 'uv_cwd') return currentFolderGone(error)
  const where = path === undefined ? place : JSON.stringify(path)
  if (code === undefined || syscall === undefined || where === undefined || OTHER_CALLS.test(syscall)) return undefined
  return named(code, { what: `${syscall} ${where}`, path, cause: error })
}

function currentFolderGone(cause: Error): InputError {
  return new InputError('ETL3-DK-20', 'the current folder does not exist any more', {
    hint: 'Go to a folder that exists (cd), and run the command again.',
    cause,
  })
}

interface Refusal {
  /** What was not done: `open "/lake/x"`. */
  readonly what: string
  readonly path: string | undefined
  readonly cause: Error
}

function named(code: string, { what, path, cause }: Refusal): Etl3Error {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG': {
      const { lack, remedy } = fullDisk(code, path)
      return new ResourceError('ETL3-DK-01', `${lack}: cannot ${what} (${code})`, {
        hint: `${remedy}, or take a place on a larger disk.`,
        cause,
      })
    }
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ConfigError('ETL3-DK-03', `not allowed to ${what} (${code})`, {
        hint: 'Give this user the right, or name another place in the configuration.',
        cause,
      })
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
    case 'ENOTEMPTY':
      return new ConflictError('ETL3-DK-04', `cannot ${what}: what lies there is of another kind (${code})`, {
        hint: 'A file stands where a folder is needed, or the other way round; move it elsewhere.',
        cause,
      })
    case 'ENOENT':
      return new InputError('ETL3-DK-20', `cannot ${what}: there is no such file or folder (${code})`, {
        hint: 'See whether the path is right, and whether its disk is mounted.',
        cause,
      })
    case 'EMFILE':
    case 'ENFILE':
      return new ResourceError('ETL3-DK-21', `cannot ${what}: too many files are open (${code})`, {
        hint: OPEN_FILES_HINT,
        cause,
      })
    default:
      return new UnavailableError('ETL3-DK-22', `the file system did not ${what} (${code})`, {
        hint: 'See the disk and its mount (dmesg, mount), then run again.',
        cause,
      })
  }
}

/** DuckDB's messages end with the system's own words. */
const ENGINE_WORDS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|Disk quota exceeded|max_temp_directory_size/i, 'ENOSPC'],
  [/Permission denied|Operation not permitted/i, 'EACCES'],
  [/Read-only file system/i, 'EROFS'],
  [/No such file or directory|No files found/i, 'ENOENT'],
  [/Too many open files/i, 'EMFILE'],
  [/Not a directory/i, 'ENOTDIR'],
  [/Is a directory/i, 'EISDIR'],
]

function engineError(error: Error): Etl3Error {
  const [line = ''] = error.message.slice('IO Error: '.length).split('\n', 1)
  const code = ENGINE_WORDS.find(([words]) => words.test(error.message))?.[1] ?? 'EIO'
  const path = /"([^"]+)"/.exec(line)?.[1]
  return named(code, { what: `use a file: ${line}`, path, cause: error })
}

function systemCallOf(error: Error): { code?: string; syscall?: string; path?: string } {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  const code = 'code' in error ? text(error.code) : undefined
  const syscall = 'syscall' in error ? text(error.syscall) : undefined
  const path = 'path' in error ? text(error.path) : undefined
  return {
    ...(code === undefined ? {} : { code }),
    ...(syscall === undefined ? {} : { syscall }),
    ...(path === undefined ? {} : { path }),
  }
}
