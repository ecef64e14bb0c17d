/**
 * What a worker process is told: its settings as one JSON argument, and on its input, once there is one, which server to
 * work for. Both are checked on the other side. No secrets: they stay in the environment.
 */
import { text } from 'node:stream/consumers'
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

/** The settings as the argument of a worker's command line. */
export function encodeSettings(settings: WorkerSettings): string {
  return JSON.stringify(settings)
}

/** The settings of this worker process. @throws ZodError or SyntaxError when the argument is not what {@link encodeSettings} made */
export function decodeSettings(argument: string | undefined): WorkerSettings {
  return settingsSchema.parse(JSON.parse(argument ?? ''))
}

/** The server as the input of a worker process. */
export function encodeEndpoint(endpoint: Endpoint): string {
  return JSON.stringify(endpoint)
}

/** Waits for the server of this worker process; undefined when whoever started it is gone without naming one. */
export async function readEndpoint(input: NodeJS.ReadableStream): Promise<Endpoint | undefined> {
  const told = await text(input)
  return told === '' ? undefined : endpointSchema.parse(JSON.parse(told))
}
