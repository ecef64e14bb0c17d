/** The search attributes by which runs are found in Temporal, and how a server gets to know them. */
import type { Client } from '@temporalio/client'

/** Name and type of each, as Temporal's command line has them. */
export const SEARCH_ATTRIBUTE_TYPES = { Etl3Dataset: 'Keyword', Etl3Status: 'Keyword', Etl3Rows: 'Int' } as const

// temporal.api.enums.v1.IndexedValueType
const INDEXED_TYPES = { Keyword: 2, Int: 3 } as const

type Name = keyof typeof SEARCH_ATTRIBUTE_TYPES

/** Those that the namespace does not have. @throws ServiceError when the server does not say */
export async function missingSearchAttributes({ connection, options }: Client): Promise<Name[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: options.namespace })
  return namesOf(SEARCH_ATTRIBUTE_TYPES).filter((name) => !(name in customAttributes))
}

/** Registers them. @throws ServiceError when the server does not let us */
export async function addSearchAttributes({ connection, options }: Client, names: readonly Name[]): Promise<void> {
  await connection.operatorService.addSearchAttributes({
    namespace: options.namespace,
    searchAttributes: Object.fromEntries(names.map((name) => [name, INDEXED_TYPES[SEARCH_ATTRIBUTE_TYPES[name]]])),
  })
}

function namesOf(types: Readonly<Record<Name, string>>): Name[] {
  return Object.keys(types).filter((name): name is Name => name in types)
}
