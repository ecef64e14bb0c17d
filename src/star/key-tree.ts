/** Keys of a bucket as a tree of input files. */
import type { InputTree } from './input-tree.js'

/** The keys of one listing. Paths are keys, the whole bucket is ''. */
export class KeyTree implements InputTree {
  readonly crossesFolders = true
  readonly #objects: Set<string>
  readonly #folders = new Map<string, Set<string>>([['', new Set()]])

  /** @param objects what is known of each object, by its key */
  constructor(objects: ReadonlyMap<string, { readonly bytes: number }>) {
    this.#objects = new Set(objects.keys())
    for (const key of objects.keys()) this.#addToFolder(key)
    // What tools leave in the place of a folder is no file.
    for (const [key, { bytes }] of objects) if (bytes === 0 && this.#folders.has(key)) this.#objects.delete(key)
  }

  kindOf(path: string): 'file' | 'folder' | undefined {
    if (this.#objects.has(path)) return 'file'
    return this.#folders.has(withoutSlash(path)) ? 'folder' : undefined
  }

  /** Where an object and a folder have the same name, the folder's ends with a slash. */
  namesIn(folder: string): readonly string[] {
    return [...(this.#folders.get(withoutSlash(folder)) ?? [])].flatMap((name) => {
      const path = this.join(folder, name)
      return this.#objects.has(path) && this.#folders.has(path) ? [name, `${name}/`] : [name]
    })
  }

  join(folder: string, name: string): string {
    return folder === '' ? name : `${withoutSlash(folder)}/${name}`
  }

  #addToFolder(path: string): void {
    const cut = path.lastIndexOf('/')
    const folder = cut < 0 ? '' : path.slice(0, cut)
    const known = this.#folders.get(folder)
    if (known) known.add(path.slice(cut + 1))
    else {
      this.#folders.set(folder, new Set([path.slice(cut + 1)]))
      this.#addToFolder(folder)
    }
  }
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
