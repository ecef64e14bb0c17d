/**
 * Resolves the configuration: flag > workflow override > ETL3_* variable > environment section > file > default.
 *
 * Relative paths of the file, and defaults beside it, count from the file's project (`project.ts`); where that is the
 * working directory they are left as they are. Those of variables and flags count from the working directory.
 * A variable that is set but empty counts as unset.
 */
import type { z } from 'zod'
import { ConfigError } from '../runtime/errors.js'
import { didYouMean } from './did-you-mean.js'
import { type ConfigKey, configKeys, RESERVED_VARIABLES } from './keys.js'
import { type Origin, originText, type Place } from './origins.js'
import { type ConfigProblem, InvalidConfig } from './problems.js'
import { DEFAULT_CONFIG_FILE, findProjectFile, projectOf, withPathsFrom } from './project.js'
import { type Config, configSchema } from './schema.js'
import { ConfigTree, isMap, type KeyPath } from './tree.js'
import { parseConfigText, readConfigText, type YamlFile } from './yaml-file.js'

/** The map of quality rules, the one section in which names are the user's own. */
const RULES = 'data_quality.rules'

/** The value of a flag that stands for a key. */
export interface FlagValue {
  /** As typed: `--chunk-size`. */
  readonly flag: string
  readonly key: string
  readonly value: string
}

/** A value of an override: what JSON can say in one word. A list is a text with commas. */
export type OverrideValue = string | number | boolean

/** Where a configuration comes from. */
export interface LoadOptions {
  /** Configuration file. Default: ETL3_CONFIG, else `config/etl3.yaml` here or in a folder above, if there is one. */
  readonly file?: string | undefined
  /** Environment section. Default: ETL3_ENVIRONMENT, else none. */
  readonly environment?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags?: readonly FlagValue[]
  /** `overrides` of a workflow's input, by dotted key. */
  readonly overrides?: Readonly<Record<string, OverrideValue>> | undefined
}

/** A checked configuration, and where each value comes from. */
export interface ResolvedConfig {
  readonly config: Config
  /** By dotted key, in the schema's order, for each value that is set or has a default. */
  readonly origins: ReadonlyMap<string, Origin>
  /** The file that was read, as it was named; undefined when there was none. */
  readonly file: string | undefined
  readonly environment: string | undefined
  /** What a person should be told: built-in values in use, variables that mean nothing. */
  readonly notices: readonly string[]
}

/**
 * @throws InvalidConfig (ETL3-CF-01) with all problems at once
 * @throws ConfigError ETL3-CF-02 when a file that was named is not there
 * @throws ConfigError ETL3-CF-03 when a file cannot be read
 */
export function loadConfig(options: LoadOptions): ResolvedConfig {
  const notices: string[] = []
  const problems: ConfigProblem[] = []
  const named = options.file ?? nonEmpty(options.env['ETL3_CONFIG'])
  const file = readFile(named, notices)
  if (file) problems.push(...file.problems, ...problemsOfSections(file))

  const environment = options.environment ?? nonEmpty(options.env['ETL3_ENVIRONMENT'])
  const section = environment === undefined ? undefined : file?.environments.get(environment)
  if (environment !== undefined && section === undefined) {
    problems.push(unknownEnvironment(environment, file, options.environment === undefined))
  }

  const fromVariables = readVariables(options.env, problems, notices)
  const fromOverrides = readOverrides(options.overrides ?? {}, problems)
  const fromFlags = readFlags(options.flags ?? [], problems)
  const layers = [file?.base, section, fromVariables, fromOverrides, fromFlags]
  const tree = layers.reduce<ConfigTree>((merged, layer) => (layer ? merged.with(layer) : merged), new ConfigTree())

  const parsed = configSchema.safeParse(tree.root)
  problems.push(...problemsOf(tree, parsed.error?.issues ?? []))
  if (problems.length > 0 || !parsed.data) throw new InvalidConfig(problems)
  const origins = originsOf(parsed.data, tree)
  return {
    config: file ? inProject(file.file, parsed.data, origins) : parsed.data,
    origins,
    file: file?.file,
    environment,
    notices,
  }
}

const OF_THE_PROJECT: ReadonlySet<Origin['kind']> = new Set(['default', 'file', 'environment'])

function inProject(file: string, config: Config, origins: ReadonlyMap<string, Origin>): Config {
  const project = projectOf(file)
  if (project === process.cwd()) return config
  return withPathsFrom(project, config, (key) => OF_THE_PROJECT.has(origins.get(key)?.kind ?? 'default'))
}

function readFile(named: string | undefined, notices: string[]): YamlFile | undefined {
  const found = named === undefined ? findProjectFile() : undefined
  const path = named ?? found?.file ?? DEFAULT_CONFIG_FILE
  const text = readConfigText(path)
  if (text !== undefined) return parseConfigText(path, text)
  if (named !== undefined) {
    throw new ConfigError('ETL3-CF-02', `there is no configuration file [file=${named}]`, {
      hint: `Check the path, or leave --config out to use ${DEFAULT_CONFIG_FILE} or the built-in values.`,
    })
  }
  if (found?.refused !== undefined) {
    notices.push(`${found.refused} belongs to somebody else and is passed over; name it with --config to use it`)
  }
  notices.push(`there is no ${DEFAULT_CONFIG_FILE}, so the built-in values are used`)
  return undefined
}

/** Problems of the file and of each of its environments, also of those that nobody asked for. */
function problemsOfSections(file: YamlFile): ConfigProblem[] {
  const problems = problemsOf(file.base, configSchema.safeParse(file.base.root).error?.issues ?? [])
  for (const [name, section] of file.environments) {
    const merged = file.base.with(section)
    const issues = configSchema.safeParse(merged.root).error?.issues ?? []
    problems.push(
      ...problemsOf(
        merged,
        issues.filter((issue) => {
          const origin = merged.standing(pathOf(issue))?.name
          return issue.code === 'unrecognized_keys' || (origin?.kind === 'environment' && origin.name === name)
        }),
      ),
    )
  }
  return problems
}

function unknownEnvironment(name: string, file: YamlFile | undefined, fromVariable: boolean): ConfigProblem {
  const defined = [...(file?.environments.keys() ?? [])]
  const suggestion = didYouMean(name, defined)
  const place = file ? file.file : 'the built-in values'
  return {
    where: fromVariable ? 'ETL3_ENVIRONMENT' : '--environment',
    key: 'environments',
    text: `there is no environment ${quoted(name)} in ${place} (${defined.length === 0 ? 'it defines none' : `it defines ${defined.join(', ')}`})`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

function readVariables(
  env: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[],
  notices: string[],
): ConfigTree {
  const tree = new ConfigTree()
  const { byVariable } = configKeys()
  for (const name of Object.keys(env).sort()) {
    const text = nonEmpty(env[name])
    if (!name.startsWith('ETL3_') || text === undefined || RESERVED_VARIABLES.has(name)) continue
    const key = byVariable.get(name)
    if (key) setText(tree, key, text, { kind: 'variable', name })
    else problems.push(...unknownVariable(name, notices))
  }
  return tree
}

/** Outside of the sections' names only a slip of the finger is taken for a key. */
const NEAR_MISS_LETTERS = 2

/** A variable that looks like a key is an error; any other may belong to someone else's script. */
function unknownVariable(name: string, notices: string[]): ConfigProblem[] {
  const { byVariable, sections } = configKeys()
  const inSection = (sections.get('') ?? []).some((section) => name.startsWith(`ETL3_${section.toUpperCase()}_`))
  const suggestion = didYouMean(
    name,
    [...byVariable.keys(), ...RESERVED_VARIABLES],
    inSection ? undefined : NEAR_MISS_LETTERS,
  )
  if (!inSection && suggestion === undefined) {
    notices.push(`the variable ${name} is not a configuration key and is ignored`)
    return []
  }
  return [
    { where: name, key: '', text: 'no such configuration key', ...(suggestion === undefined ? {} : { suggestion }) },
  ]
}

function readOverrides(overrides: Readonly<Record<string, OverrideValue>>, problems: ConfigProblem[]): ConfigTree {
  const tree = new ConfigTree()
  const { byKey } = configKeys()
  const origin: Origin = { kind: 'override' }
  for (const [name, value] of Object.entries(overrides)) {
    const key = byKey.get(name)
    if (!key) {
      const suggestion = didYouMean(name, [...byKey.keys()])
      problems.push({
        where: 'overrides',
        key: name,
        text: `unknown key ${name}`,
        ...(suggestion === undefined ? {} : { suggestion }),
      })
    } else if (typeof value === 'string') setText(tree, key, value, origin)
    else tree.set(name.split('.'), value, { name: origin, value: origin })
  }
  return tree
}

function readFlags(flags: readonly FlagValue[], problems: ConfigProblem[]): ConfigTree {
  const tree = new ConfigTree()
  const { byKey } = configKeys()
  for (const { flag, key: name, value } of flags) {
    const key = byKey.get(name)
    if (key) setText(tree, key, value, { kind: 'flag', name: flag })
    else problems.push({ where: flag, key: name, text: `unknown key ${name}` })
  }
  return tree
}

/** Sets a value that was given as text. Text that is not of the key's form stays as it is, for the check to find. */
function setText(tree: ConfigTree, key: ConfigKey, text: string, origin: Origin): void {
  tree.set(key.key.split('.'), valueOfText(key, text), { name: origin, value: origin })
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

function valueOfText(key: ConfigKey, text: string): unknown {
  switch (key.form) {
    case 'whole number':
    case 'number':
      return NUMBER.test(text.trim()) ? Number(text.trim()) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'list':
      return text.split(',').map((item) => item.trim())
    case 'text':
      return text
  }
}

function problemsOf(tree: ConfigTree, issues: readonly z.core.$ZodIssue[]): ConfigProblem[] {
  return issues.flatMap((issue) => {
    const path = pathOf(issue)
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => unknownKey(tree, [...path, name]))
      : [wrongValue(tree, path, issue)]
  })
}

function unknownKey(tree: ConfigTree, path: KeyPath): ConfigProblem {
  const { byKey, sections } = configKeys()
  const name = path.at(-1) ?? ''
  const parent = path.slice(0, -1).join('.')
  const siblings = [...(sections.get(parent) ?? []), ...(parent === '' ? ['environments'] : [])]
  const sibling = didYouMean(name, siblings)
  // A key or section in the wrong section, or one written with its dots.
  const elsewhere = [...byKey.keys(), ...sections.keys()].find((key) => key === name || key.endsWith(`.${name}`))
  const suggestion = sibling === undefined ? elsewhere : [...path.slice(0, -1), sibling].join('.')
  return {
    ...whereOf(tree, path, 'name'),
    key: path.join('.'),
    text: `unknown key ${path.join('.')}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

function wrongValue(tree: ConfigTree, path: KeyPath, issue: z.core.$ZodIssue): ConfigProblem {
  const key = path.join('.')
  const value = tree.at(path)
  const { byKey, sections } = configKeys()
  const expected = sections.has(key)
    ? 'a map of keys and values'
    : (byKey.get(key)?.expected ?? byKey.get(path.slice(0, -1).join('.'))?.expectedItem)
  const suggestion = suggestionFor(path, value, issue)
  return {
    ...whereOf(tree, path, 'value'),
    key,
    text:
      issue.code === 'custom' || expected === undefined
        ? `${key}: ${issue.message}`
        : `${key} is ${shown(value)}, expected ${expected}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

function suggestionFor(path: KeyPath, value: unknown, issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_value' && typeof value === 'string') return didYouMean(value, issue.values.map(String))
  // A rule without a kind: a slip in the name of one that is on by default.
  const [rule, section] = [path.at(-2) ?? '', path.slice(0, -2).join('.')]
  if (issue.code !== 'invalid_union' || section !== RULES) return undefined
  const meant = didYouMean(rule, configKeys().sections.get(RULES) ?? [])
  return meant === undefined ? undefined : `${RULES}.${meant}`
}

function whereOf(tree: ConfigTree, path: KeyPath, part: 'name' | 'value'): { where: string; place?: Place } {
  const origin = tree.standing(path)?.[part]
  if (!origin) return { where: 'the configuration' }
  return { where: originText(origin), ...('line' in origin ? { place: origin } : {}) }
}

function pathOf(issue: z.core.$ZodIssue): KeyPath {
  return issue.path.map(String)
}

const LONGEST_SHOWN = 60

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'empty'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (isMap(value)) return 'a map'
  return String(value)
}

function quoted(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text)
}

function originsOf(config: Config, tree: ConfigTree): Map<string, Origin> {
  const origins = new Map<string, Origin>()
  for (const key of [...configKeys().byKey.keys(), ...keysOfOwnRules(config)]) {
    const path = key.split('.')
    if (valueAt(config, key) === undefined) continue
    const standing = tree.at(path) === undefined ? undefined : tree.standing(path)
    origins.set(key, standing?.value ?? { kind: 'default' })
  }
  return origins
}

/** The keys that the schema cannot know: those of quality rules under names of the user's own. */
function keysOfOwnRules({ data_quality: { rules } }: Config): string[] {
  const { sections } = configKeys()
  return Object.entries(rules).flatMap(([name, rule]) => {
    const section = `${RULES}.${name}`
    return sections.has(section) ? [] : Object.keys(rule).map((key) => `${section}.${key}`)
  })
}

/** The value under a dotted key, undefined where there is none. */
export function valueAt(config: Config, key: string): unknown {
  let value: unknown = config
  for (const name of key.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.entries(value).find(([own]) => own === name)?.[1]
  }
  return value
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text
}
