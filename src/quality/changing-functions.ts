/**
 * Which functions give other values in another run: of chance, of the clock, of the session. What a function is says the
 * engine's own catalog: its stability, what a macro stands for, and, where that is silent, what goes in and what comes out.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { firstColumn } from '../engine/column-values.js'

/** A node of a statement as `json_serialize_sql` gives it. */
type SyntaxNode = Readonly<Record<string, unknown>>

/**
 * Words of the language that stand for a function of the clock without parentheses. They are no functions, so the catalog
 * does not list them.
 */
const CLOCKS: ReadonlySet<string> = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
])

/**
 * The overloads that change, as `name/arguments`. By their stability, and where it says CONSISTENT of what cannot be:
 * a moment made of nothing is that of the clock, and a distance in time from one moment alone is the distance to now; a
 * setting is that of this machine.
 */
const CHANGING_OVERLOADS = `SELECT DISTINCT lower(function_name) || '/' || len(parameters) FROM duckdb_functions()
  WHERE function_type IN ('scalar', 'aggregate') AND (
    stability <> 'CONSISTENT'
    OR (len(parameters) = 0 AND regexp_matches(return_type, '^(DATE|TIME)'))
    OR (len(parameters) = 1 AND regexp_matches(parameter_types[1], '^(DATE|TIME)') AND return_type = 'INTERVAL')
    OR regexp_matches(description, 'value of the configuration setting'))`

/** Each macro as JSON: its name, its number of arguments, and the tree of what it stands for. */
const MACROS = `SELECT json_object('key', lower(function_name) || '/' || len(parameters),
    'tree', json_serialize_sql('SELECT ' || macro_definition))::VARCHAR
  FROM duckdb_functions() WHERE function_type = 'macro' AND macro_definition IS NOT NULL`

/** The functions that change. */
export class ChangingFunctions {
  /** As `name/arguments`. */
  readonly #overloads: Set<string>

  private constructor(overloads: Set<string>) {
    this.#overloads = overloads
  }

  /** Asks an engine's catalog. */
  static async of(connection: DuckDBConnection): Promise<ChangingFunctions> {
    const overloads = (await firstColumn(await connection.run(CHANGING_OVERLOADS))).map(String)
    const changing = new ChangingFunctions(new Set(overloads))
    changing.#addMacros((await firstColumn(await connection.run(MACROS))).map((text) => JSON.parse(String(text))))
    return changing
  }

  /** The name of a function or word of the clock that a node calls, undefined where it calls none that changes. */
  calledBy(node: SyntaxNode): string | undefined {
    const columns = node['column_names']
    if (Array.isArray(columns)) {
      const word = String(columns.at(-1)).toLowerCase()
      return columns.length === 1 && CLOCKS.has(word) ? word : undefined
    }
    if (typeof node['function_name'] !== 'string') return undefined
    const name = node['function_name'].toLowerCase()
    const given = Array.isArray(node['children']) ? node['children'].length : 0
    return this.#overloads.has(`${name}/${given}`) ? name : undefined
  }

  /** A macro changes where what it stands for does, which may be a macro again. */
  #addMacros(macros: readonly { readonly key: string; readonly tree: unknown }[]): void {
    const found = macros.filter(({ key, tree }) => !this.#overloads.has(key) && this.#calledIn(tree))
    for (const { key } of found) this.#overloads.add(key)
    if (found.length > 0) this.#addMacros(macros)
  }

  #calledIn(node: unknown): boolean {
    if (typeof node !== 'object' || node === null) return false
    if (!Array.isArray(node) && this.calledBy({ ...node }) !== undefined) return true
    return Object.values(node).some((part) => this.#calledIn(part))
  }
}
