/** Which input is searched for a row. */
import { existsSync } from 'node:fs'
import type { Config } from '../config/schema.js'
import type { RunRecord } from '../records/run.js'
import { isS3Address } from '../runtime/uri.js'

type Input = Pick<Config, 'input'>

/** The input to search, and the configured root where that one is another and not there. */
export interface SearchedInput {
  readonly config: Input
  readonly missingRoot: string | null
}

/**
 * The configured input; or, where that names nothing but a folder that is not there, the one that the published run read.
 * Variables or flags of that run, as `npm start` gives them, are not known to a later command.
 *
 * @param record of the published run; undefined where there is none
 */
export function searchedInput(config: Input, record: Pick<RunRecord, 'config'> | undefined): SearchedInput {
  const { root, tables } = config.input
  const isThere = isS3Address(root) || Object.keys(tables).length > 0 || existsSync(root)
  return isThere || !record || record.config.input.root === root
    ? { config, missingRoot: null }
    : { config: record.config, missingRoot: root }
}
