/**
 * What a configuration file may not be, because reading it would not end: very long, an alias to what it stands in, or
 * aliases to aliases that stand for millions of values.
 */
import { type Alias, type Document, isAlias, isCollection, isPair, isScalar, visit } from 'yaml'

/** Longest file, in bytes. The template has 40,000; YAML takes seconds for some files of this size. */
export const MOST_CONFIG_BYTES = 1024 * 1024

/** Values that all aliases of a file together may stand for. */
const MOST_VALUES_BY_ALIAS = 10_000

/** Something that keeps a document from being read, and where it begins in the text. */
export interface YamlObstacle {
  readonly offset: number
  readonly text: string
}

/** Names that stand twice in one map: the parser's own check takes time in the square of their number. */
export function repeatedNames(document: Document): readonly YamlObstacle[] {
  const found: YamlObstacle[] = []
  visit(document, {
    Map: (_, map) => {
      const names = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        if (names.has(key.value)) found.push({ offset: key.range?.[0] ?? 0, text: 'Map keys must be unique' })
        names.add(key.value)
      }
    },
  })
  return found
}

/** The first alias that cannot be followed, undefined where all can. */
export function endlessAlias(document: Document): YamlObstacle | undefined {
  return new AliasReader(document).read()
}

class AliasReader {
  readonly #weights = new Map<unknown, number>()
  readonly #open = new Set<unknown>()
  #byAlias = 0
  #obstacle: YamlObstacle | undefined

  constructor(private readonly document: Document) {}

  read(): YamlObstacle | undefined {
    this.#weigh(this.document.contents)
    return this.#obstacle
  }

  /** How many values a node stands for. Each is weighed once: where an anchor stands, before any alias to it. */
  #weigh(node: unknown): number {
    if (isAlias(node)) return this.#follow(node)
    if (isPair(node)) return this.#weigh(node.key) + this.#weigh(node.value)
    if (!isCollection(node)) return 1
    const known = this.#weights.get(node)
    if (known !== undefined) return known
    this.#open.add(node)
    let weight = 1
    for (const item of node.items) weight += this.#weigh(item)
    this.#open.delete(node)
    this.#weights.set(node, weight)
    return weight
  }

  #follow(alias: Alias): number {
    const target = alias.resolve(this.document)
    const offset = alias.range?.[0] ?? 0
    if (this.#open.has(target)) {
      this.#obstacle ??= { offset, text: `the alias *${alias.source} stands within what it names` }
      return 1
    }
    const weight = this.#weigh(target)
    this.#byAlias += weight
    if (this.#byAlias > MOST_VALUES_BY_ALIAS)
      this.#obstacle ??= { offset, text: `aliases stand for more than ${MOST_VALUES_BY_ALIAS} values` }
    return weight
  }
}
