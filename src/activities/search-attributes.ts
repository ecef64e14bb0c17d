/** Whether the server knows the search attributes by which runs are found in its Web UI. */
import { Context } from '@temporalio/activity'
import { SEARCH_ATTRIBUTES } from '../contract/messages.js'

/** True when all of them are registered. A server that does not say is taken as one that has none: runs work without. */
export async function serverHasSearchAttributes(): Promise<boolean> {
  try {
    const { client, info } = Context.current()
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
      namespace: info.workflowNamespace ?? 'default',
    })
    return Object.values(SEARCH_ATTRIBUTES).every((name) => name in customAttributes)
  } catch {
    return false
  }
}
