/**
 * Metrics of a worker for Prometheus or an OpenTelemetry collector: the SDK's own, and ETL3's memory beside them. What the
 * activities count is in src/activities/metrics.ts.
 */
import type { MetricMeter } from '@temporalio/common'
import type { TelemetryOptions } from '@temporalio/worker'
import { ConfigError } from '../errors.js'
import type { MemorySampler } from './memory-sampler.js'

const HIGHEST_PORT = 65_535
const GAUGE_INTERVAL_MS = 1_000

/** Where metrics go. Both unset: nowhere. */
export interface MetricsSettings {
  /** `host:port` on which the first worker process answers; the next one takes the next port. */
  readonly prometheus_address?: string | undefined
  /** Address of a collector; `…/v1/metrics` speaks OTLP over HTTP, anything else over gRPC. */
  readonly otlp_url?: string | undefined
}

/** The SDK's option for the n-th worker process, from 0. @throws ConfigError ETL3-MT-01 when there is no such port */
export function metricsOptions(
  { prometheus_address: address, otlp_url: url }: MetricsSettings,
  index: number,
): Pick<TelemetryOptions, 'metrics'> {
  if (address !== undefined) {
    return { metrics: { prometheus: { bindAddress: addressOf(address, index), countersTotalSuffix: true } } }
  }
  if (url !== undefined) return { metrics: { otel: { url, http: url.endsWith('/v1/metrics') } } }
  return {}
}

/** Keeps gauges of resident memory and its limit current until the returned function is called. */
export function gaugeMemory(meter: MetricMeter, sampler: MemorySampler, limitMb: number): () => void {
  const resident = meter.createGauge('etl3_memory_resident', 'int', 'MB', 'Resident memory of the worker process')
  const limit = meter.createGauge('etl3_memory_limit', 'int', 'MB', 'Resident memory that the worker process may have')
  const set = (): void => {
    resident.set(sampler.residentMb)
    limit.set(limitMb)
  }
  set()
  const timer = setInterval(set, GAUGE_INTERVAL_MS).unref()
  return () => clearInterval(timer)
}

function addressOf(address: string, index: number): string {
  const colon = address.lastIndexOf(':')
  const port = Number(address.slice(colon + 1)) + index
  if (port <= HIGHEST_PORT) return `${address.slice(0, colon)}:${port}`
  throw new ConfigError(
    'ETL3-MT-01',
    `there is no port ${port} for worker ${index} [metrics.prometheus_address=${address}]`,
    {
      hint: 'Each worker process takes the next port: begin with a lower one.',
    },
  )
}
