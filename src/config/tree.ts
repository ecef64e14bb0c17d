/** A configuration before it is checked: values in maps, and where each of them stands. */
import type { Origin } from './origins.js'

/** Names from the top down. */
export type KeyPath = readonly string[]

/** A map of the tree. Without a prototype, so that a key `__proto__` is a key like any other. */
export type TreeMap = { [name: string]: unknown }

/** Where a value stands, and where its name does (in a file they differ). */
export interface Standing {
  readonly value: Origin
  readonly name: Origin
}

/** Names may hold dots, so a dot cannot separate them. */
const SEPARATOR = '\u0000'

/** Values with their origins. */
export class ConfigTree {
  readonly root: TreeMap = emptyMap()
  readonly #standings = new Map<string, Standing>()

  /** Sets a value (a scalar or a list), making the maps above it. What stood there before is replaced. */
  set(path: KeyPath, value: unknown, standing: Standing): void {
    const name = path.at(-1)
    if (name === undefined) return
    this.#mapAt(path.slice(0, -1), standing)[name] = value
    this.#standings.set(keyOf(path), standing)
  }

  /** Makes sure that there is a map. */
  setMap(path: KeyPath, standing: Standing): void {
    this.#mapAt(path, standing)
  }

  /** Remembers where something inside of a value (an item of a list) stands. */
  note(path: KeyPath, standing: Standing): void {
    this.#standings.set(keyOf(path), standing)
  }

  /** Where a value stands: itself, else the nearest thing around it. Undefined for a default. */
  standing(path: KeyPath): Standing | undefined {
    for (let length = path.length; length > 0; length--) {
      const standing = this.#standings.get(keyOf(path.slice(0, length)))
      if (standing) return standing
    }
    return undefined
  }

  /** The value under a path, if there is one. */
  at(path: KeyPath): unknown {
    let value: unknown = this.root
    for (const name of path) {
      if (Array.isArray(value)) value = value[Number(name)]
      else if (isMap(value)) value = value[name]
      else return undefined
    }
    return value
  }

  /** This tree with another one laid over it: maps are merged, everything else is replaced. */
  with(over: ConfigTree): ConfigTree {
    const merged = new ConfigTree()
    copyInto(merged.root, this.root)
    copyInto(merged.root, over.root)
    for (const [key, standing] of this.#standings) {
      if (!over.#replaces(key)) merged.#standings.set(key, standing)
    }
    for (const [key, standing] of over.#standings) merged.#standings.set(key, standing)
    return merged
  }

  /** Whether this tree has a value of its own at the key or around it, so that what stood there is gone. */
  #replaces(key: string): boolean {
    const path = key.split(SEPARATOR)
    return path.some((_, index) => {
      const value = this.at(path.slice(0, index + 1))
      return value !== undefined && !isMap(value)
    })
  }

  #mapAt(path: KeyPath, standing: Standing): TreeMap {
    let map = this.root
    for (const [index, name] of path.entries()) {
      const below = map[name]
      if (isMap(below)) {
        map = below
        continue
      }
      const created = emptyMap()
      map[name] = created
      this.#standings.set(keyOf(path.slice(0, index + 1)), standing)
      map = created
    }
    return map
  }
}

/** Whether a value of a tree is a map. */
export function isMap(value: unknown): value is TreeMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function emptyMap(): TreeMap {
  return Object.create(null)
}

function copyInto(target: TreeMap, source: TreeMap): void {
  for (const [name, value] of Object.entries(source)) {
    if (!isMap(value)) {
      target[name] = value
      continue
    }
    const below = target[name]
    const map = isMap(below) ? below : emptyMap()
    target[name] = map
    copyInto(map, value)
  }
}

function keyOf(path: KeyPath): string {
  return path.join(SEPARATOR)
}
