/** Which server and task queue a configuration names, as far as it does. */
export interface TemporalSettings {
  /** `host:port` */
  readonly address?: string | undefined
  readonly namespace: string
  readonly task_queue?: string | undefined
  readonly connect_timeout_ms: number
}
