/** Reads a configuration file: its values as trees, each with line and column. */
import { closeSync, openSync, readSync } from 'node:fs'
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { ConfigError, firstLineOf } from '../runtime/errors.js'
import { configKeys } from './keys.js'
import { type Origin, type Place, placeText } from './origins.js'
import { type ConfigProblem, InvalidConfig } from './problems.js'
import { ConfigTree, type KeyPath, type Standing } from './tree.js'
import { endlessAlias, MOST_CONFIG_BYTES, repeatedNames, type YamlObstacle } from './yaml-limits.js'

/** What aliases may stand for has its limit in `yaml-limits.ts`, for all of a file. */
const NO_LIMIT = -1

/** A file, read. */
export interface YamlFile {
  readonly file: string
  readonly base: ConfigTree
  /** The sections under `environments`, by name. */
  readonly environments: ReadonlyMap<string, ConfigTree>
  /** What is wrong with the shape of `environments`. */
  readonly problems: readonly ConfigProblem[]
}

/**
 * The text of a file, or undefined when there is none; of one that is too long no more than shows it.
 * @throws ConfigError ETL3-CF-03 when it cannot be read
 */
export function readConfigText(file: string): string | undefined {
  try {
    return beginningOf(file, MOST_CONFIG_BYTES + 1).toString('utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ConfigError('ETL3-CF-03', `the configuration file cannot be read [file=${file}]`, {
      hint: 'Check that it is a file, and that you may read it.',
      cause: error,
    })
  }
}

function beginningOf(file: string, mostBytes: number): Buffer {
  const opened = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(mostBytes)
    let length = 0
    for (let read = -1; read !== 0 && length < mostBytes; length += read)
      read = readSync(opened, bytes, length, mostBytes - length, null)
    return bytes.subarray(0, length)
  } finally {
    closeSync(opened)
  }
}

/** @throws InvalidConfig for text that is not YAML, with each place, and for text that is too long to be read */
export function parseConfigText(file: string, text: string): YamlFile {
  requireReadableLength(file, text)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const obstacles = obstaclesIn(document)
  if (obstacles.length > 0) {
    throw new InvalidConfig(
      obstacles.map(({ offset, text: what }) => ({
        where: placeText(file, placeAt(offset)),
        place: placeAt(offset),
        key: '',
        text: `not valid YAML: ${what}`,
      })),
    )
  }
  return new FileReader(file, document, placeAt).read()
}

function requireReadableLength(file: string, text: string): void {
  const bytes = Buffer.from(text)
  if (bytes.length <= MOST_CONFIG_BYTES) return
  const place = { line: bytes.subarray(0, MOST_CONFIG_BYTES).toString('latin1').split('\n').length, column: 1 }
  throw new InvalidConfig([
    {
      where: placeText(file, place),
      place,
      key: '',
      text: `the file goes on beyond ${MOST_CONFIG_BYTES / 1024} KiB, the most that a configuration may have`,
    },
  ])
}

function obstaclesIn(document: Document.Parsed): readonly YamlObstacle[] {
  if (document.errors.length > 0)
    return document.errors.map((error) => ({ offset: error.pos[0], text: wordsOf(error) }))
  return [...repeatedNames(document), ...[endlessAlias(document) ?? []].flat()]
}

function wordsOf(error: Error): string {
  const words = firstLineOf(error)
  return words.includes('Maximum call stack') ? 'it is nested too deeply' : words
}

class FileReader {
  readonly #problems: ConfigProblem[] = []

  constructor(
    private readonly file: string,
    private readonly document: Document.Parsed,
    private readonly placeAt: (offset: number) => Place,
  ) {}

  read(): YamlFile {
    const { file } = this
    const base = new ConfigTree()
    const environments = new Map<string, ConfigTree>()
    const top = this.document.contents
    if (top !== null && !isEmptyScalar(top)) {
      if (isMap(top)) {
        const originAt = (offset: number): Origin => ({ kind: 'file', file, ...this.placeAt(offset) })
        for (const { name, node, offset } of this.#pairs(top)) {
          if (name === 'environments') this.#readEnvironments(node, offset, environments)
          else this.#readInto(base, [name], node, offset, originAt)
        }
      } else this.#expectMap('', top.range?.[0] ?? 0)
    }
    return { file, base, environments, problems: this.#problems }
  }

  #readEnvironments(node: Node | null, offset: number, environments: Map<string, ConfigTree>): void {
    if (node === null || isEmptyScalar(node)) return
    if (!isMap(node)) {
      this.#expectMap('environments', node.range?.[0] ?? offset)
      return
    }
    for (const section of this.#pairs(node)) {
      const tree = new ConfigTree()
      environments.set(section.name, tree)
      if (section.node === null || isEmptyScalar(section.node)) continue
      if (!isMap(section.node)) {
        this.#expectMap(`environments.${section.name}`, section.node.range?.[0] ?? section.offset)
        continue
      }
      const originAt = (at: number): Origin => ({
        kind: 'environment',
        file: this.file,
        name: section.name,
        ...this.placeAt(at),
      })
      for (const pair of this.#pairs(section.node)) {
        this.#readInto(tree, [pair.name], pair.node, pair.offset, originAt)
      }
    }
  }

  #readInto(
    tree: ConfigTree,
    path: KeyPath,
    node: Node | null,
    nameOffset: number,
    originAt: (offset: number) => Origin,
  ): void {
    const standing: Standing = { name: originAt(nameOffset), value: originAt(node?.range?.[0] ?? nameOffset) }
    if (isMap(node)) {
      tree.setMap(path, standing)
      for (const pair of this.#pairs(node)) {
        this.#readInto(tree, [...path, pair.name], pair.node, pair.offset, originAt)
      }
    } else if ((node === null || isEmptyScalar(node)) && configKeys().sections.has(path.join('.'))) {
      // A section whose keys are all commented out is an empty section.
      tree.setMap(path, standing)
    } else {
      tree.set(path, node?.toJS(this.document, { maxAliasCount: NO_LIMIT }) ?? null, standing)
      if (!isSeq(node)) return
      for (const [index, item] of node.items.entries()) {
        const at = originAt(rangeStart(item) ?? nameOffset)
        tree.note([...path, String(index)], { name: at, value: at })
      }
    }
  }

  /** Names and values of a map; an alias stands for what it names. */
  *#pairs(map: Node): Generator<{ name: string; node: Node | null; offset: number }> {
    if (!isMap(map)) return
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? String(key.value) : String(key)
      const node = isAlias(value) ? value.resolve(this.document) : value
      yield { name, node: isNode(node) ? node : null, offset: rangeStart(key) ?? 0 }
    }
  }

  #expectMap(key: string, offset: number): void {
    this.#problems.push({
      where: placeText(this.file, this.placeAt(offset)),
      place: this.placeAt(offset),
      key,
      text: `${key === '' ? 'the file' : key} must be a map of sections`,
    })
  }
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value)
}

function isEmptyScalar(node: Node | null): boolean {
  return isScalar(node) && node.value === null
}

function rangeStart(value: unknown): number | undefined {
  return isNode(value) ? value.range?.[0] : undefined
}
