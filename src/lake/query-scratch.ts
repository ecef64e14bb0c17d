/** Where a query spills: a folder of its own, which is gone afterwards. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../runtime/errors.js'
import { makeScratchFolder, removeScratchFolder } from '../runtime/scratch-folder.js'
import { systemCode } from './file-errors.js'

/**
 * Runs `act` with a folder below `scratch`. Who may only read the table need not be able to write there: it is a folder
 * below the system's temporary one then.
 *
 * @throws ConfigError `ETL3-DK-03` where no folder can be made in either place
 */
export async function withQueryScratch<T>(scratch: string, act: (folder: string) => Promise<T>): Promise<T> {
  const folder = scratchFolder(scratch)
  try {
    return await act(folder)
  } finally {
    removeScratchFolder(folder)
  }
}

function scratchFolder(scratch: string): string {
  try {
    return makeScratchFolder(scratch, 'query')
  } catch (error) {
    const code = systemCode(error)
    if (code === undefined) throw error
    return systemFolder(scratch, code)
  }
}

function systemFolder(refused: string, code: string): string {
  const temporary = tmpdir()
  try {
    return mkdtempSync(join(temporary, 'etl3-query-'))
  } catch (cause) {
    throw new ConfigError(
      'ETL3-DK-03',
      `a query has no place for spill files: neither a folder in ${JSON.stringify(refused)} (${code}) nor one in ` +
        `${JSON.stringify(temporary)} (${systemCode(cause) ?? 'unknown'}) can be made`,
      { hint: 'Name a folder that this user may write to: processing.scratch, or the variable TMPDIR.', cause },
    )
  }
}
