/** The name of the second table; the catalog, policies and documentation agree on it here. */

/** Name of the projected table beside the exact one. */
export function projectedTableName(table: string): string {
  return `${table}_projected`
}
