/** What a worker process is told at its start: one JSON argument, checked on the other side. No secrets: they stay in the environment. */
import { z } from 'zod'

const settingsSchema = z.strictObject({
  endpoint: z.strictObject({ address: z.string(), namespace: z.string(), useProfile: z.boolean() }),
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
