/** Writes a generated star to a folder, and writes nothing where the same star is already there. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Engine } from '../engine/engine.js'
import { ENGINE_MB } from '../engine/engine-memory.js'
import { sqlString } from '../engine/sql.js'
import { makeFolder } from '../runtime/make-folder.js'
import { drawMacros } from './draw.js'
import { DEMO_DEFAULTS, type DemoOptions, demoShape, largeShape, type StarShape } from './star-shape.js'
import { starFiles, starMacros } from './star-tables.js'

/** Where a star goes and how large it is. */
export interface WriteStarOptions extends Partial<DemoOptions> {
  /** Root of the star: gold/, dims/ and xrefs/ come below it. */
  readonly out: string
  /** Share of the memory for the engine, in MB. Default: 160 for the demo star, 1,024 for a large one. */
  readonly memoryLimitMb?: number
}

/** A star that lies in a folder. */
export interface WrittenStar {
  /** Absolute path of the star's root, for `input.root`. */
  readonly root: string
  /** Glob of all files of facts, for `input.tables.fact_rate`. */
  readonly factGlob: string
  readonly facts: number
  readonly bytes: number
  /** False when the same star was already there. */
  readonly written: boolean
}

/** Lies beside the star when all of its files are complete. */
const MARKER_NAME = 'star.json'

/** Raise it whenever the same options give other bytes. */
const GENERATOR_VERSION = 1

interface Marker {
  readonly generator: number
  readonly engine: string
  readonly shape: StarShape
  /** Bytes of each file, by its place under the root. */
  readonly files: Readonly<Record<string, number>>
}

/**
 * Writes the demo star (about 50,000 facts, every trap of real files in it) unless it is already there.
 * The same options give the same bytes on every machine.
 */
export async function writeDemoStar(options: WriteStarOptions): Promise<WrittenStar> {
  return await writeStar(demoShape(withDefaults(options)), options.out, options.memoryLimitMb ?? ENGINE_MB.demoStar)
}

/**
 * Writes a large star without traps, for measurements: three million facts give about 78 million rows in about 77,000
 * partitions.
 */
export async function writeLargeStar(
  options: WriteStarOptions & { readonly maxMembers?: number },
): Promise<WrittenStar> {
  const shape = largeShape({ ...withDefaults(options), facts: options.facts ?? 3_000_000 }, options.maxMembers)
  return await writeStar(shape, options.out, options.memoryLimitMb ?? ENGINE_MB.largeStar)
}

async function writeStar(shape: StarShape, out: string, memoryLimitMb: number): Promise<WrittenStar> {
  const root = resolve(out)
  const star = { root, factGlob: join(root, 'gold', 'fact_rate*.parquet'), facts: shape.facts }
  const marker = join(root, MARKER_NAME)
  const engine = await Engine.open({ memoryLimitMb, threads: 1, scratch: join(root, '.scratch') })
  try {
    const version = String((await engine.row('SELECT version() AS version'))['version'])
    const there = complete(marker, root, { generator: GENERATOR_VERSION, engine: version, shape, files: {} })
    if (there) return { ...star, bytes: totalBytes(there), written: false }

    rmSync(marker, { force: true })
    rmSync(join(root, 'gold'), { recursive: true, force: true })
    for (const macro of [...drawMacros(shape.seed), ...starMacros(shape)]) await engine.run(macro)
    const files: Record<string, number> = {}
    for (const { path, select } of starFiles(shape)) {
      const file = join(root, path)
      makeFolder(dirname(file))
      await engine.run(`COPY (${select}) TO ${sqlString(file)} (FORMAT parquet, COMPRESSION zstd)`)
      files[path] = statSync(file).size
    }
    const written: Marker = { generator: GENERATOR_VERSION, engine: version, shape, files }
    writeFileSync(marker, `${JSON.stringify(written, undefined, 2)}\n`)
    return { ...star, bytes: totalBytes(files), written: true }
  } finally {
    engine.close()
    rmSync(join(root, '.scratch'), { recursive: true, force: true })
  }
}

function withDefaults(options: WriteStarOptions): DemoOptions {
  return { facts: options.facts ?? DEMO_DEFAULTS.facts, seed: options.seed ?? DEMO_DEFAULTS.seed }
}

/** The files that the marker lists, when it describes the same star and every file still has its size. */
function complete(marker: string, root: string, wanted: Marker): Readonly<Record<string, number>> | undefined {
  const found = readMarker(marker)
  if (found === undefined || JSON.stringify({ ...found, files: {} }) !== JSON.stringify(wanted)) return undefined
  const sizes = Object.entries(found.files)
  const same = sizes.every(([path, bytes]) => statSync(join(root, path), { throwIfNoEntry: false })?.size === bytes)
  return same ? found.files : undefined
}

function readMarker(path: string): Marker | undefined {
  try {
    const marker: Marker = JSON.parse(readFileSync(path, 'utf8'))
    return typeof marker?.files === 'object' ? marker : undefined
  } catch {
    // No marker, or a damaged one: the star is written again.
    return undefined
  }
}

function totalBytes(files: Readonly<Record<string, number>>): number {
  return Object.values(files).reduce((sum, bytes) => sum + bytes, 0)
}
