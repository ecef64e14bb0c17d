/**
 * The project of a configuration: the folder that its relative paths count from, and the search for its file, as git and
 * dbt have it. Flags and variables count from the working directory, as everywhere.
 */
import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import type { Config } from './schema.js'

/** The file that is looked for when none is named. */
export const DEFAULT_CONFIG_FILE = 'config/etl3.yaml'

/** A search for the default file, from a folder upwards. */
export interface FoundProject {
  /** The file, as the caller would name it; undefined when there is none. */
  readonly file: string | undefined
  /** A file that was passed over because somebody else owns it: it could name programs to be run. */
  readonly refused: string | undefined
}

/**
 * Looks for {@link DEFAULT_CONFIG_FILE} in the working directory, then in the folders above it.
 * @param trusts whether a file of this user counts that lies above. Default: of oneself and of the superuser
 */
export function findProjectFile(
  trusts = (owner: number): boolean => owner === 0 || owner === process.getuid?.(),
): FoundProject {
  if (fileOwner(DEFAULT_CONFIG_FILE) !== undefined) return { file: DEFAULT_CONFIG_FILE, refused: undefined }
  for (let folder = process.cwd(); dirname(folder) !== folder; ) {
    folder = dirname(folder)
    const file = join(folder, DEFAULT_CONFIG_FILE)
    const owner = fileOwner(file)
    if (owner === undefined) continue
    return trusts(owner) ? { file, refused: undefined } : { file: undefined, refused: file }
  }
  return { file: undefined, refused: undefined }
}

/** The folder of a configuration file, or its parent where the file lies in `config/`. Links to it are followed. */
export function projectOf(file: string): string {
  const folder = dirname(resolve(file))
  const project = basename(folder) === 'config' ? dirname(folder) : folder
  try {
    return realpathSync(project)
  } catch {
    return project
  }
}

/** Which keys hold paths, beside `input.tables`. */
const PATH_KEYS = [
  'input.root',
  'output.uri',
  'output.metadata_uri',
  'output.analytics.uri',
  'processing.scratch',
  'logging.file',
] as const

/** Whether a key holds a path. */
export function isPathKey(key: string): boolean {
  return PATH_KEYS.some((path) => path === key) || key.startsWith('input.tables.')
}

/**
 * The same configuration with the paths for which `counts` says so taken from `folder`. Addresses, absolute paths, and
 * texts that are no path of this machine stay as they are.
 */
export function withPathsFrom(folder: string, config: Config, counts: (key: string) => boolean): Config {
  const placed = (key: string, path: string): string => (counts(key) ? pathFrom(folder, path) : path)
  const { input, output, processing, logging, notify } = config
  const [program, ...args] = notify.command
  const analyticsUri = output.analytics.uri
  return {
    ...config,
    input: {
      ...input,
      root: placed('input.root', input.root),
      tables: Object.fromEntries(
        Object.entries(input.tables).map(([table, place]) => [table, placed(`input.tables.${table}`, place)]),
      ),
    },
    output: {
      ...output,
      uri: placed('output.uri', output.uri),
      metadata_uri: placed('output.metadata_uri', output.metadata_uri),
      analytics: {
        ...output.analytics,
        ...(analyticsUri === undefined ? {} : { uri: placed('output.analytics.uri', analyticsUri) }),
      },
    },
    processing: { ...processing, scratch: placed('processing.scratch', processing.scratch) },
    logging: { ...logging, file: placed('logging.file', logging.file) },
    // A bare word is looked for on PATH.
    notify: {
      ...notify,
      command: program?.includes('/') ? [placed('notify.command', program), ...args] : notify.command,
    },
  }
}

/** A path as it counts from a folder. */
export function pathFrom(folder: string, path: string): string {
  return isElsewhere(path) ? path : join(folder, path)
}

/** A path that counts from the working directory, as it is written into a configuration file. */
export function pathToProject(file: string, path: string): string {
  const project = projectOf(file)
  if (project === process.cwd() || isElsewhere(path)) return path
  return `${relative(project, resolve(path)) || '.'}${path.endsWith('/') ? '/' : ''}`
}

/** Absolute, an address, or no path of this machine at all. */
function isElsewhere(path: string): boolean {
  return isAbsolute(path) || /^[a-z][a-z0-9+.-]*:(\/\/|\\|\/)|^\\\\|^~/i.test(path)
}

function fileOwner(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid
  } catch {
    return undefined
  }
}
