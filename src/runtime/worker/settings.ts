/**
 * What a worker process is told, on its input, each as a line of JSON: its settings, and once there is one, which server
 * to work for. Both are checked on the other side. Nothing of it is an argument: those are shown to everybody (`ps`), and
 * an address may hold a token.
 */
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { Endpoint } from '../temporal/connection.js'

const endpointSchema = z.strictObject({ address: z.string(), namespace: z.string(), useProfile: z.boolean() })

const settingsSchema = z.strictObject({
  taskQueue: z.string(),
  connectTimeoutMs: z.number(),
  /** The limit of all workers together, in MB. */
  memoryLimitMb: z.number(),
  /** How many worker processes share it. */
  workers: z.number(),
  scratch: z.string(),
  logging: z.strictObject({
    file: z.string(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    max_size_mb: z.number(),
    keep: z.number(),
  }),
  metrics: z.strictObject({ prometheus_address: z.string().optional(), otlp_url: z.string().optional() }).optional(),
  /** Which of the worker processes it is, from 0. */
  index: z.number().optional(),
  idle: z
    .strictObject({
      /** State folder with who is there. */
      folder: z.string(),
      /** How long nobody must wait and no workflow be open. */
      afterMs: z.number(),
      /** Whether the private server of the folder goes with its last worker. */
      stopServer: z.boolean(),
    })
    .optional(),
})

/** Settings of one worker process. */
export type WorkerSettings = z.infer<typeof settingsSchema>

/** What a worker process is told. */
export interface WorkerOrders {
  readonly settings: WorkerSettings
  /** Waits for its server; undefined when whoever started the worker is gone without naming one. */
  endpoint(): Promise<Endpoint | undefined>
}

/** Settings as they are told. */
export function encodeSettings(settings: WorkerSettings): string {
  return `${JSON.stringify(settings)}\n`
}

/** A server as it is told. */
export function encodeEndpoint(endpoint: Endpoint): string {
  return `${JSON.stringify(endpoint)}\n`
}

/**
 * Reads what this worker process is told; undefined when whoever started it is gone already.
 * @throws ZodError or SyntaxError when it is not what {@link encodeSettings} and {@link encodeEndpoint} made
 */
export async function readOrders(input: NodeJS.ReadableStream): Promise<WorkerOrders | undefined> {
  const lines = createInterface({ input })[Symbol.asyncIterator]()
  const told = await lines.next()
  if (told.done) return undefined
  return {
    settings: settingsSchema.parse(JSON.parse(told.value)),
    async endpoint() {
      const { value, done } = await lines.next()
      return done ? undefined : endpointSchema.parse(JSON.parse(value))
    },
  }
}
