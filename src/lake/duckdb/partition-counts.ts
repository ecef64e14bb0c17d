/**
 * Questions that the partition list answers by itself: counts of rows by partition columns, `SELECT DISTINCT` of them. The
 * files of the table need not be opened then, which takes seconds where they are many.
 *
 * The question is read as DuckDB's own parser gives it. It is asked of the list instead where every part of it is known to
 * mean the same there: the list has one row for each partition, with its rows in `rows`, so `count(*)` becomes their sum.
 * Whatever is not understood is asked of the table.
 */
import {
  type AskedTable,
  children,
  isAboutPartitions,
  isNode,
  isSampled,
  isTable,
  type Node,
  type Scope,
  textOf,
} from './partition-pruning.js'

/** Name by which a column of counts is called that the question gives none. */
const COUNT_NAME = 'count_star()'

/** Aggregates to which it is the same how often a value occurs. */
const OF_VALUES: ReadonlySet<unknown> = new Set(['min', 'max'])

/**
 * The question to the partition list that has the same answer, or undefined where there is none that is known to.
 *
 * @param serialised the statement, as `json_serialize_sql` gives it
 * @param template `SELECT … FROM <partition list> …`, likewise
 * @returns a serialised statement, for `json_deserialize_sql`
 */
export function partitionCounts(serialised: string, template: string, table: AskedTable): string | undefined {
  const tree: unknown = JSON.parse(serialised)
  const list = listOf(JSON.parse(template))
  const [statement, ...others] = isNode(tree) && Array.isArray(tree['statements']) ? tree['statements'] : []
  const select = isNode(statement) ? statement['node'] : undefined
  if (!list || others.length > 0 || !isNode(select) || !isAnswerable(select, table) || !isExact(tree)) return undefined
  const from = select['from_table']
  const alias = (isNode(from) && textOf(from, 'alias')) || table.name
  const asked = withCounts(select, alias)
  const renamed = isNode(asked) ? { ...asked, from_table: { ...list, alias, query_location: 0 } } : asked
  return JSON.stringify({ error: false, statements: [{ ...statement, node: renamed }] })
}

function listOf(template: unknown): Node | undefined {
  const [statement] = isNode(template) && Array.isArray(template['statements']) ? template['statements'] : []
  const select = isNode(statement) ? statement['node'] : undefined
  const from = isNode(select) ? select['from_table'] : undefined
  return isNode(from) ? from : undefined
}

function isAnswerable(select: Node, table: AskedTable): boolean {
  const from = select['from_table']
  if (select['type'] !== 'SELECT_NODE' || !isNode(from) || !isTable(from, table.name)) return false
  if (isSampled(select, from) || isNode(select['qualify']) || hasCommonTables(select)) return false
  const scope: Scope = { alias: textOf(from, 'alias') || table.name, columns: table.partitionColumns }
  const selected = listIn(select, 'select_list')
  const grouped = listIn(select, 'group_expressions')
  const modifiers = listIn(select, 'modifiers')
  const isAggregate =
    selected.some((expression) => isCount(expression) || isOfValues(expression)) ||
    grouped.length > 0 ||
    select['aggregate_handling'] === 'FORCE_AGGREGATES'
  const isDistinct = modifiers.some(
    (m) => m['type'] === 'DISTINCT_MODIFIER' && listIn(m, 'distinct_on_targets').length === 0,
  )
  if (!isAggregate && !isDistinct) return false
  const names = selected.map((expression) => textOf(expression, 'alias')).filter((name) => name !== '')
  // Where a name could mean a column as well, it depends on the place what it means.
  if (names.some((name) => isColumn(name, table))) return false
  if (!selected.every(keepsItsName)) return false
  const isKnown = (expression: unknown): boolean => isAbout(expression, scope)
  const isOrder = (expression: unknown): boolean => isKnown(expression) || isNameOf(expression, names)
  return (
    selected.every(isKnown) &&
    grouped.every(isOrder) &&
    [select['where_clause'], select['having']].every((condition) => !isNode(condition) || isKnown(condition)) &&
    modifiers.every((modifier) => isKnownModifier(modifier, isOrder))
  )
}

/** DuckDB calls a column by its expression, and a sum is another one than a count. */
function keepsItsName(expression: Node): boolean {
  if (textOf(expression, 'alias') !== '' || (isCount(expression) && !isNode(expression['filter']))) return true
  return !hasCount(expression)
}

function hasCount(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasCount)
  return isNode(value) && (isCount(value) || Object.values(value).some(hasCount))
}

function hasCommonTables(select: Node): boolean {
  const map = isNode(select['cte_map']) ? select['cte_map']['map'] : []
  return !Array.isArray(map) || map.length > 0
}

function isColumn(name: string, { partitionColumns, otherNames }: AskedTable): boolean {
  return [...partitionColumns, ...otherNames].some((other) => other.toLowerCase() === name.toLowerCase())
}

function isKnownModifier(modifier: Node, isOrder: (expression: unknown) => boolean): boolean {
  switch (modifier['type']) {
    case 'DISTINCT_MODIFIER':
      return listIn(modifier, 'distinct_on_targets').length === 0
    case 'ORDER_MODIFIER':
      return listIn(modifier, 'orders').every((order) => isOrder(order['expression']))
    case 'LIMIT_MODIFIER':
      return [modifier['limit'], modifier['offset']].every((n) => !isNode(n) || n['class'] === 'CONSTANT')
    default:
      return false
  }
}

/** Whether an expression is made of partition columns, constants and the counts that {@link withCounts} knows. */
function isAbout(expression: unknown, scope: Scope): boolean {
  if (!isNode(expression)) return false
  if (isCount(expression)) return isPlainAggregate(expression, scope)
  const areAbout = (...parts: unknown[]): boolean => parts.every((part) => isAbout(part, scope))
  if (expression['class'] === 'COMPARISON') return areAbout(expression['left'], expression['right'])
  if (expression['class'] === 'BETWEEN') return areAbout(expression['input'], expression['lower'], expression['upper'])
  if (expression['class'] === 'CONJUNCTION') return areAbout(...children(expression))
  if (isOfValues(expression)) return isPlainAggregate(expression, scope)
  return isAboutPartitions(expression, scope)
}

function isCount(node: Node): boolean {
  return node['class'] === 'FUNCTION' && node['function_name'] === 'count_star'
}

function isOfValues(node: Node): boolean {
  if (node['class'] !== 'FUNCTION') return false
  return OF_VALUES.has(node['function_name']) || (node['function_name'] === 'count' && node['distinct'] === true)
}

function isPlainAggregate(node: Node, scope: Scope): boolean {
  const { filter, order_bys: orders } = node
  const isOrdered = isNode(orders) && listIn(orders, 'orders').length > 0
  const arguments_ = children(node)
  return (
    node['schema'] === '' &&
    node['catalog'] === '' &&
    !isOrdered &&
    node['export_state'] !== true &&
    arguments_.length === (isCount(node) ? 0 : 1) &&
    arguments_.every((argument) => isAboutPartitions(argument, scope)) &&
    (!isNode(filter) || isAboutPartitions(filter, scope))
  )
}

function isNameOf(expression: unknown, names: readonly string[]): boolean {
  if (!isNode(expression) || expression['class'] !== 'COLUMN_REF') return false
  const path = expression['column_names']
  return Array.isArray(path) && path.length === 1 && names.some((name) => name === path[0])
}

/** Numbers of more digits than a double holds would be others when the tree is written again. */
function isExact(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isExact)
  if (!isNode(value)) return typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)
  return Object.entries(value).every(([name, item]) => name === 'query_location' || isExact(item))
}

/** The same tree with sums of `rows` for counts, and without places in its text, which a double cannot hold either. */
function withCounts(value: unknown, alias: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withCounts(item, alias))
  if (!isNode(value)) return value
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, name === 'query_location' ? 0 : withCounts(item, alias)]),
  )
  return isCount(value) ? sumOfRows(copy, alias) : copy
}

/** `coalesce(sum(rows), 0)::BIGINT`: without any row a count is 0, and a sum is NULL. */
function sumOfRows(count: Node, alias: string): Node {
  const node = { alias: '', query_location: 0 }
  const rows = { ...node, class: 'COLUMN_REF', type: 'COLUMN_REF', column_names: [alias, 'rows'] }
  const zero = { type: { id: 'INTEGER', type_info: null }, is_null: false, value: 0 }
  const operands = [
    { ...count, alias: '', function_name: 'sum', children: [rows] },
    { ...node, class: 'CONSTANT', type: 'VALUE_CONSTANT', value: zero },
  ]
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: textOf(count, 'alias') || COUNT_NAME,
    query_location: 0,
    child: { ...node, class: 'OPERATOR', type: 'OPERATOR_COALESCE', children: operands },
    cast_type: { id: 'BIGINT', type_info: null },
    try_cast: false,
  }
}

function listIn(node: Node, name: string): Node[] {
  const list = node[name]
  return Array.isArray(list) ? list.filter(isNode) : []
}
