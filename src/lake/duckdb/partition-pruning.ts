/**
 * Which partitions a query can find rows in, worked out before the table is opened: DuckDB takes milliseconds for the
 * partition list, and seconds for a filter over the names of 30,000 files.
 *
 * The query is read as DuckDB's own parser gives it (`json_serialize_sql`). Of the WHERE clause of the one place that
 * reads the table, those parts of the top-level AND that speak of partition columns only are asked of the partition
 * list. The query itself then runs as it is, over fewer files. Whatever is not understood prunes nothing.
 */

/** How the table is called in queries, and by what it is partitioned. */
export interface PrunedTable {
  readonly name: string
  readonly partitionColumns: readonly string[]
}

/** The table, and every other name that could be taken for one of its columns: of the table, and of the partition list. */
export interface AskedTable extends PrunedTable {
  readonly otherNames: readonly string[]
}

/** What a query reads of the table. */
export type PartitionCondition =
  | { readonly reads: 'nothing' }
  | { readonly reads: 'everything' }
  /** Which columns there are, and no rows: DESCRIBE, SHOW. */
  | { readonly reads: 'shape' }
  /** `statement` is a serialised SELECT of the keys, for `json_deserialize_sql`. */
  | { readonly reads: 'some'; readonly statement: string }

/** A node of a statement's tree. */
export type Node = { readonly [name: string]: unknown }

/** Operators whose value depends on their operands alone. */
const OPERATOR_TYPES: ReadonlySet<unknown> = new Set([
  'OPERATOR_IS_NULL',
  'OPERATOR_IS_NOT_NULL',
  'OPERATOR_NOT',
  'OPERATOR_COALESCE',
  'COMPARE_IN',
  'COMPARE_NOT_IN',
])

/** Functions that mean the same wherever they stand: comparisons with patterns, and of parts of a text. */
const FUNCTIONS: ReadonlySet<unknown> = new Set([
  ...['~~', '!~~', '~~*', '!~~*', 'like_escape', 'ilike_escape', 'not_like_escape', 'not_ilike_escape'],
  ...['^@', 'starts_with', 'prefix', 'suffix', 'ends_with', 'contains', 'regexp_matches', 'regexp_full_match'],
  ...['lower', 'upper', 'trim', 'left', 'right', 'substr', 'substring', 'length', 'concat', '||'],
])

/** Places of a FROM clause that can read the table only by its name. */
const PLAIN_SOURCES: ReadonlySet<unknown> = new Set(['BASE_TABLE', 'SUBQUERY', 'JOIN', 'EMPTY', 'EXPRESSION_LIST'])

/**
 * Finds what a statement reads of the table.
 *
 * @param serialised the statement, as `json_serialize_sql` gives it
 * @param template `SELECT key FROM <partition list> WHERE true`, likewise
 */
export function partitionCondition(serialised: string, template: string, table: PrunedTable): PartitionCondition {
  const tree: unknown = JSON.parse(serialised)
  if (!isNode(tree) || tree['error'] !== false) return { reads: 'everything' }

  const nodes = [...walk(tree['statements'])]
  const shown = shownBy(tree['statements'])
  if (shown) return readForShow(shown, nodes, table.name)
  const named = nodes.filter((node) => isTable(node, table.name))
  const readsOtherwise = nodes.some((node) => readsByAnotherWay(node, table.name))
  if (named.length === 0 && !readsOtherwise) return { reads: 'nothing' }
  const select = nodes.find((node) => node['type'] === 'SELECT_NODE' && node['from_table'] === named[0])
  if (named.length !== 1 || readsOtherwise || !select || isSampled(select, named[0])) return { reads: 'everything' }

  const scope: Scope = { alias: textOf(named[0], 'alias') || table.name, columns: table.partitionColumns }
  const conditions = conjuncts(select['where_clause']).filter((condition) => isAboutPartitions(condition, scope))
  return conditions.length === 0
    ? { reads: 'everything' }
    : { reads: 'some', statement: keysWhere(template, conditions.map(unqualified)) }
}

/**
 * Whether a statement reads the table by a name with a schema. Then it reads the catalog's own view, and nothing that a
 * session lets the bare name stand for.
 *
 * @param serialised the statement, as `json_serialize_sql` gives it
 */
export function namesSchemaOf(serialised: string, name: string): boolean {
  const tree: unknown = JSON.parse(serialised)
  return [...walk(tree)].some(
    (node) => node['type'] === 'BASE_TABLE' && sameName(node['table_name'], name) && !isTable(node, name),
  )
}

/** What a DESCRIBE or a SHOW shows, or undefined for other statements. SUMMARIZE reads rows, and so is another one. */
function shownBy(statements: unknown): Node | undefined {
  const [statement] = Array.isArray(statements) ? statements.filter(isNode) : []
  const select = statement?.['node']
  const shown = isNode(select) ? select['from_table'] : undefined
  return isNode(shown) && shown['type'] === 'SHOW_REF' && shown['show_type'] !== 'SUMMARY' ? shown : undefined
}

function readForShow(shown: Node, nodes: readonly Node[], name: string): PartitionCondition {
  if (!isNode(shown['query'])) return { reads: 'nothing' }
  const below = new Set(walk(shown))
  const outside = nodes.filter((node) => !below.has(node) && node['from_table'] !== shown)
  const readsRows = outside.some((node) => isTable(node, name) || readsByAnotherWay(node, name))
  return { reads: readsRows ? 'everything' : 'shape' }
}

/** By what name a statement knows the table, and its partition columns. */
export interface Scope {
  readonly alias: string
  readonly columns: readonly string[]
}

// The schema `main` is where a bare name is looked up, so it says the same.
/** Whether a place of a FROM clause is the table by its bare name. */
export function isTable(node: Node, name: string): boolean {
  const bare = node['schema_name'] === '' || sameName(node['schema_name'], 'main')
  return node['type'] === 'BASE_TABLE' && bare && node['catalog_name'] === '' && sameName(node['table_name'], name)
}

// A table function may read the table by a name in a text (query_table), a common table expression may take its name.
function readsByAnotherWay(node: Node, name: string): boolean {
  if (node['cte_map'] !== undefined) {
    const entries = isNode(node['cte_map']) ? node['cte_map']['map'] : []
    if (Array.isArray(entries) && entries.some((entry) => isNode(entry) && sameName(entry['key'], name))) return true
  }
  return isNode(node['from_table']) && [...sources(node['from_table'])].some((type) => !PLAIN_SOURCES.has(type))
}

function* sources(from: Node): Generator<unknown> {
  yield from['type']
  for (const side of [from['left'], from['right']]) if (isNode(side)) yield* sources(side)
}

/** Whether not all rows are read, or columns have other names. */
export function isSampled(select: Node, from: Node | undefined): boolean {
  const aliases = from?.['column_name_alias']
  const renamed = Array.isArray(aliases) && aliases.length > 0
  return renamed || isNode(select['sample']) || isNode(from?.['sample']) || isNode(from?.['at_clause'])
}

function conjuncts(condition: unknown): Node[] {
  if (!isNode(condition)) return []
  return condition['type'] === 'CONJUNCTION_AND' ? children(condition).flatMap(conjuncts) : [condition]
}

/** Whether an expression depends on partition columns alone. */
export function isAboutPartitions(node: Node, scope: Scope): boolean {
  const operandsAre = (...operands: unknown[]): boolean =>
    operands.every((operand) => isNode(operand) && isAboutPartitions(operand, scope))
  switch (node['class']) {
    case 'CONSTANT':
      return true
    case 'COLUMN_REF':
      return isPartitionColumn(node['column_names'], scope)
    case 'COMPARISON':
      return operandsAre(node['left'], node['right'])
    case 'BETWEEN':
      return operandsAre(node['input'], node['lower'], node['upper'])
    case 'CAST':
      return operandsAre(node['child'])
    case 'CONJUNCTION':
      return operandsAre(...children(node))
    case 'OPERATOR':
      return OPERATOR_TYPES.has(node['type']) && operandsAre(...children(node))
    case 'FUNCTION':
      return FUNCTIONS.has(node['function_name']) && node['schema'] === '' && operandsAre(...children(node))
    default:
      return false
  }
}

function isPartitionColumn(names: unknown, { alias, columns }: Scope): boolean {
  if (!Array.isArray(names) || names.length > 2) return false
  if (names.length === 2 && !sameName(names[0], alias)) return false
  return columns.some((column) => sameName(names.at(-1), column))
}

/**
 * The same condition without the query's own name for the table, and without places in its text: DuckDB writes an
 * unknown place as 2^64 - 1, which JavaScript's numbers round up to one that it does not read back.
 */
function unqualified(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(unqualified)
  if (!isNode(node)) return node
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => {
      if (name === 'query_location') return [name, 0]
      if (name === 'column_names' && Array.isArray(value)) return [name, value.slice(-1)]
      return [name, unqualified(value)]
    }),
  )
}

function keysWhere(template: string, conditions: readonly unknown[]): string {
  const tree: unknown = JSON.parse(template)
  const [statement] = isNode(tree) && Array.isArray(tree['statements']) ? tree['statements'] : []
  if (!isNode(tree) || !isNode(statement) || !isNode(statement['node'])) throw new Error('the template is no SELECT')
  const where = { class: 'CONJUNCTION', type: 'CONJUNCTION_AND', alias: '', query_location: 0, children: conditions }
  return JSON.stringify({
    ...tree,
    statements: [{ ...statement, node: { ...statement['node'], where_clause: where } }],
  })
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* walk(item)
  else if (isNode(value)) {
    yield value
    for (const item of Object.values(value)) yield* walk(item)
  }
}

/** Operands of an expression. */
export function children(node: Node): Node[] {
  const list = node['children']
  return Array.isArray(list) ? list.filter(isNode) : []
}

function sameName(found: unknown, name: string): boolean {
  return typeof found === 'string' && found.toLowerCase() === name.toLowerCase()
}

/** A text of a node, or an empty one. */
export function textOf(node: Node | undefined, name: string): string {
  const value = node?.[name]
  return typeof value === 'string' ? value : ''
}

/** Whether a value of the tree is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
