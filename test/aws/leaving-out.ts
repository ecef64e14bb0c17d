/** Glue's batches that answer 200 and have left some of their items out. */
import { z } from 'zod'
import type { Handler } from './json-front.js'

const itemsSchema = z.object({ PartitionInputList: z.array(z.object({ Values: z.array(z.string()) })) })
const errorsSchema = z.object({ Errors: z.array(z.unknown()).default([]) })

/** Leaves the items of the first creating calls out, with an error each. */
export function leavingOut(code: string, times: number): Handler {
  let left = times
  return async (call, next) => {
    if (call.operation !== 'BatchCreatePartition' || left === 0) return await next(call)
    left -= 1
    const items = itemsSchema.parse(call.body).PartitionInputList
    const out = items.filter((_, i) => i % 2 === 0)
    const raw = z.array(z.unknown()).parse(call.body['PartitionInputList'])
    const answer = await next({
      ...call,
      body: { ...call.body, PartitionInputList: raw.filter((_, i) => i % 2 === 1) },
    })
    const errors = out.map(({ Values }) => ({
      PartitionValues: Values,
      ErrorDetail: { ErrorCode: code, ErrorMessage: 'left out' },
    }))
    // Others may have left out some of the rest.
    return { ...answer, body: { Errors: [...errors, ...errorsSchema.parse(answer.body).Errors] } }
  }
}
