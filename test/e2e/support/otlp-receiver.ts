/** An OpenTelemetry collector for tests: takes metrics over gRPC or over HTTP and keeps the last value of each. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import protobuf from 'protobufjs'
import { z } from 'zod'

/** What the receiver reads of a request: the part of opentelemetry/proto/metrics/v1 that ETL3's instruments use. */
const PROTO = `syntax = "proto3";
message Request { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric { string name = 1; Points gauge = 5; Points sum = 7; }
message Points { repeated Point data_points = 1; }
message Point { double as_double = 4; sfixed64 as_int = 6; }
`
const GRPC_PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
const HTTP_PATH = '/v1/metrics'

const pointsSchema = z.object({ dataPoints: z.array(z.object({ asDouble: z.number(), asInt: z.number() })) })
const requestSchema = z.object({
  resourceMetrics: z.array(
    z.object({
      scopeMetrics: z.array(
        z.object({
          metrics: z.array(z.object({ name: z.string(), gauge: pointsSchema.nullish(), sum: pointsSchema.nullish() })),
        }),
      ),
    }),
  ),
})

/** A collector that listens. */
export interface OtlpReceiver {
  /** What `metrics.otlp_url` is to be. */
  readonly url: string
  /** By the metric's name: the last value of its first point, or undefined where it is no number. */
  readonly metrics: ReadonlyMap<string, number | undefined>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a collector on a free port. */
export async function otlpReceiver(protocol: 'grpc' | 'http'): Promise<OtlpReceiver> {
  const metrics = new Map<string, number | undefined>()
  const server =
    protocol === 'grpc'
      ? createHttp2Server().on('stream', (stream, headers) => answerGrpc(stream, String(headers[':path']), metrics))
      : createServer((request, response) => answerHttp(request, response, metrics))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = isInet(address) ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}${protocol === 'grpc' ? '' : HTTP_PATH}`,
    metrics,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}

function answerGrpc(stream: ServerHttp2Stream, path: string, into: Map<string, number | undefined>): void {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.on('end', () => {
    // One message: a flag, four bytes of length, the message.
    const known = path === GRPC_PATH
    if (known) note(Buffer.concat(parts).subarray(5), into)
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': known ? '0' : '12' }))
    stream.end(Buffer.alloc(5))
  })
}

function answerHttp(request: IncomingMessage, response: ServerResponse, into: Map<string, number | undefined>): void {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const known = request.method === 'POST' && request.url === HTTP_PATH
    if (known) note(Buffer.concat(parts), into)
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end()
  })
}

function note(message: Uint8Array, into: Map<string, number | undefined>): void {
  const type = protobuf.parse(PROTO).root.lookupType('Request')
  const request = requestSchema.parse(
    type.toObject(type.decode(message), { longs: Number, defaults: true, arrays: true }),
  )
  for (const { scopeMetrics } of request.resourceMetrics) {
    for (const { name, gauge, sum } of scopeMetrics.flatMap((scope) => scope.metrics)) {
      const point = (gauge ?? sum)?.dataPoints[0]
      into.set(name, point === undefined ? undefined : point.asInt || point.asDouble)
    }
  }
}

function isInet(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}
