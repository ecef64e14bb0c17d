import { describe, expect, it } from 'vitest'
import { Home } from './support/home.js'
import { otlpReceiver } from './support/otlp-receiver.js'
import { demoStar } from './support/stars.js'

describe('metrics by OpenTelemetry', () => {
  for (const protocol of ['grpc', 'http'] as const) {
    it(`reach a collector over ${protocol}: the SDK's own, ETL3's counters and its memory`, async () => {
      await using collector = await otlpReceiver(protocol)
      const star = await demoStar(400)
      await using home = new Home({
        ...star.options,
        metrics: { otlp_url: collector.url },
        // Nothing is killed here: a busy machine is to take its time.
        temporal: { heartbeat_timeout_ms: 15_000 },
      })
      const { rows, bytes, partitions } = await home.start().result()
      const { metrics } = collector
      expect(metrics.get('etl3_memory_limit')).toBe(512)
      expect(metrics.get('etl3_memory_resident')).toBeGreaterThan(50)
      for (const step of ['written', 'published']) {
        expect(metrics.get(`etl3_rows_${step}`), step).toBe(rows)
        expect(metrics.get(`etl3_partitions_${step}`), step).toBe(partitions.total)
        expect(metrics.get(`etl3_bytes_${step}`), step).toBe(bytes)
      }
      expect([...metrics.keys()].filter((name) => name.startsWith('temporal_')).length).toBeGreaterThan(5)
    })
  }
})
