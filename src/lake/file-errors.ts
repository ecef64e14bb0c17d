/** What a file system's refusal means for a person. */
import { ConfigError, ConflictError, InputError, ResourceError } from '../runtime/errors.js'
import { fullDisk } from '../runtime/full-disk.js'

/** The error code of a failed system call (`ENOENT`, …), or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/**
 * Turns a failed system call into an error that names the path and the way out; other errors come back as they are.
 *
 * - `ETL3-DK-01` ResourceError: the disk (its bytes or its inodes) or a quota is full
 * - `ETL3-DK-03` ConfigError: no permission, or the disk is read-only
 * - `ETL3-DK-04` ConflictError: a file stands where a folder is needed, or a folder where an object is
 * - `ETL3-DK-05` ConfigError: the file system has no hard links, which "create unless there is one" needs
 * - `ETL3-KE-04` InputError: a name is longer than the file system takes
 */
export function folderError(error: unknown, doing: string, path: string): unknown {
  const where = `${doing} ${JSON.stringify(path)}`
  const code = systemCode(error) ?? ''
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG': {
      const { lack, remedy } = fullDisk(code, path)
      return new ResourceError('ETL3-DK-01', `${lack}: cannot ${where} (${code})`, {
        hint: `${remedy}, or move output.uri and output.metadata_uri to a larger disk; the run then resumes.`,
        cause: error,
      })
    }
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ConfigError('ETL3-DK-03', `not allowed to ${where} (${code})`, {
        hint: 'Give this user the right to write there, or choose another folder in output.uri and output.metadata_uri.',
        cause: error,
      })
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
    case 'ENOTEMPTY':
      return new ConflictError(
        'ETL3-DK-04',
        `cannot ${where}: a file stands where a folder is needed, or the other way round (${code})`,
        { hint: 'Something else wrote there; move it elsewhere.', cause: error },
      )
    case 'ENOTSUP':
    case 'ENOSYS':
      return new ConfigError('ETL3-DK-05', `cannot ${where}: this file system has no hard links (${code})`, {
        hint: 'Choose a folder on another file system in output.uri and output.metadata_uri.',
        cause: error,
      })
    case 'ENAMETOOLONG':
      return new InputError('ETL3-KE-04', `cannot ${where}: the name is longer than this file system takes (${code})`, {
        hint: 'Shorten the folder of output.uri, or leave the longest column out of partitioning.partition_columns.',
        cause: error,
      })
    default:
      return error
  }
}
