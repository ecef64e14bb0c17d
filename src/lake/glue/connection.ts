/** How ETL3 talks to Glue, Athena and STS: the same settings for every client, and their failures in words. */
import { ConfigError, Etl3Error, UnavailableError } from '../../runtime/errors.js'
import { plainText } from '../../runtime/plain-text.js'
import { AwsRoutes, RoutedHandler } from '../aws-proxy.js'
import { credentialsError, isDenied, proxyError, requestText } from '../aws-refusals.js'

/** The first attempt and seven more; the SDK waits longer and longer between them, at most 20 seconds. */
const ATTEMPTS = 8

/** The SDK's own number. */
const SOCKETS = 50

const CONNECTION_TIMEOUT_MS = 5_000

/** A batch of 100 partitions takes well under a second; an answer that takes this long does not come any more. */
const REQUEST_TIMEOUT_MS = 60_000

/** Settings of a client. */
export interface AwsClientSettings {
  readonly region: string
  readonly maxAttempts: number
  readonly requestHandler: RoutedHandler
}

/**
 * Settings for a client of one region. Endpoint (`AWS_ENDPOINT_URL_GLUE` …) and credentials are found by the SDK's own
 * chain: variables, profiles, the role of the machine. A proxy is found by `HTTPS_PROXY` and `NO_PROXY`.
 */
export function awsClientSettings(region: string): AwsClientSettings {
  // A notice of the SDK's makers about versions of Node, on stderr; it is not for who runs ETL3.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  return {
    region,
    maxAttempts: ATTEMPTS,
    requestHandler: new RoutedHandler(new AwsRoutes({ maxSockets: SOCKETS, connectTimeoutMs: CONNECTION_TIMEOUT_MS }), {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    }),
  }
}

/** Name of an error of the SDK, e.g. `EntityNotFoundException`; '' for what is no error. */
export function awsErrorName(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

/**
 * A failed call as an error for a person. An abort, and what has a code already, stays as it is.
 *
 * @param asked what was asked of which service, e.g. "Glue: GetTable healthcare_data_lake.fact_rate_enriched"
 */
export function awsFailure(error: unknown, asked: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof Etl3Error || !(error instanceof Error)) return error
  const { name } = error
  const said = `${plainText(error.message)}${requestText(error)}`
  const cause = withoutRequest(error)
  const ofProxy = proxyError(error, asked)
  if (ofProxy) return ofProxy
  const ofCredentials = credentialsError([name], `${asked}: ${said}`, cause)
  if (ofCredentials) return ofCredentials
  if (isDenied(name)) {
    return new ConfigError('ETL3-AW-12', `not allowed by AWS [${asked}]: ${said}`, {
      hint: 'Give the role what `etl3 iam-policy` prints; with Lake Formation, grant it there too.',
      cause,
    })
  }
  return new UnavailableError('ETL3-AW-13', `AWS did not do it [${asked}]: ${name}: ${said}`, {
    hint: 'Run again; what is finished is kept. `etl3 doctor` looks at region, endpoint and permissions.',
    cause,
  })
}

/** The SDK's errors hold the whole request, session token included; what is kept of them may reach a log or a history. */
function withoutRequest({ name, message, stack }: Error): Error {
  const bare = new Error(message)
  bare.name = name
  if (stack !== undefined) bare.stack = stack
  return bare
}
