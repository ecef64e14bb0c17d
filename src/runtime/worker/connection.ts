/** A worker's connection. Apart from the client's, because the worker's package takes half a second to load. */
import { NativeConnection } from '@temporalio/worker'
import { answered, connectionOptionsOf, type Endpoint } from '../temporal/connection.js'

/**
 * Connects a worker.
 * @throws UnavailableError ETL3-TP-01 when there is no answer within `timeoutMs`
 */
export async function connectWorker(endpoint: Endpoint, timeoutMs: number): Promise<NativeConnection> {
  return await answered(endpoint, timeoutMs, () => NativeConnection.connect(connectionOptionsOf(endpoint)))
}
