/** Search attributes of a run in Temporal. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'
import { upsertSearchAttributes } from '@temporalio/workflow'
import { SEARCH_ATTRIBUTES } from '../contract/messages.js'

const DATASET = defineSearchAttributeKey(SEARCH_ATTRIBUTES.dataset, SearchAttributeType.KEYWORD)
const STATUS = defineSearchAttributeKey(SEARCH_ATTRIBUTES.status, SearchAttributeType.KEYWORD)
const ROWS = defineSearchAttributeKey(SEARCH_ATTRIBUTES.rows, SearchAttributeType.INT)

/** Sets what is known; rows stay unset until the plan is made. */
export function showSearchAttributes(run: {
  readonly dataset: string
  readonly status: string
  readonly rows: number | undefined
}): void {
  upsertSearchAttributes([
    { key: DATASET, value: run.dataset },
    { key: STATUS, value: run.status },
    ...(run.rows === undefined ? [] : [{ key: ROWS, value: run.rows }]),
  ])
}
