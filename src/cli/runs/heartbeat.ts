/** What an activity says of itself while it works, as its heartbeat carries it. */
import { z } from 'zod'

const count = z.number().nonnegative()

/** Other details are ignored. */
const heartbeatSchema = z.object({
  phase: z.string(),
  rows: count.optional(),
  partitions: count.optional(),
  memoryMb: count.optional(),
})

/** The last sign of life of one activity that works. */
export type Heartbeat = z.output<typeof heartbeatSchema>

/** A heartbeat's details, or undefined when they are not those of an activity of ETL3. */
export function parseHeartbeat(details: unknown): Heartbeat | undefined {
  return heartbeatSchema.safeParse(details).data
}
