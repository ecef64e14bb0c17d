/** What S3 says, and what it means for a person. */
import {
  ConfigError,
  ConflictError,
  Etl3Error,
  type Etl3ErrorOptions,
  IntegrityError,
  UnavailableError,
} from '../../runtime/errors.js'
import { credentialsError, isDenied, proxyError, proxyStatusOf, requestText } from '../aws-refusals.js'

const ELSEWHERE = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'])
const THROTTLED: ReadonlySet<string> = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
])
const TRANSIENT = new Set([
  ...THROTTLED,
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'InternalError',
  'ServiceUnavailable',
  'OperationAborted',
  'ConditionalRequestConflict',
  'KMS.ThrottlingException',
  'KMS.DependencyTimeoutException',
  'KMS.KMSInternalException',
  // The store saw other bytes than were sent: they were damaged on their way.
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'IncompleteBody',
  // Of the connection, not of the store.
  'TimeoutError',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  // A name is unknown for a moment where a machine's network comes up, and for good where it is misspelled.
  'ENOTFOUND',
])
/** OpenSSL's and Node's names for a certificate that is not believed (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const CERTIFICATE =
  /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_(?:GET|VERIFY)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|INVALID_CA$|HOSTNAME_MISMATCH$)/

/** Bytes that came are not the bytes that the store has; another attempt may bring them. */
export class DamagedOnTheWay extends Error {
  override readonly name = 'DamagedOnTheWay'
}

/** HTTP status of the store's answer; undefined where none came. */
export function statusOf(error: unknown): number | undefined {
  return isAnswer(error) ? error.$metadata.httpStatusCode : undefined
}

/** The store says that there is no such object, upload or, to HEAD, bucket. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket'
}

/** The store says that a condition of the request does not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412
}

/** Whether the same request, sent again, may succeed. */
export function isTransient(error: unknown): boolean {
  if (error instanceof Etl3Error) return false
  if (error instanceof DamagedOnTheWay) return true
  const status = statusOf(error)
  if (status !== undefined && status >= 500 && status !== 501) return true
  // 307: a bucket is new, and not all of S3 knows yet where it lies.
  if (status === 429 || status === 408 || status === 307) return true
  // The proxy is there, and could not reach the server.
  if ((proxyStatusOf(error) ?? 0) >= 500) return true
  if (names(error).some((name) => TRANSIENT.has(name))) return true
  return isCutAnswer(error)
}

/** Whether S3 says that requests come too fast. */
export function isThrottled(error: unknown): boolean {
  return statusOf(error) === 429 || names(error).some((name) => THROTTLED.has(name))
}

/** Whether the store may have done what was asked, though nobody heard so. */
export function isUncertain(error: unknown): boolean {
  const status = statusOf(error)
  return (status === undefined || status >= 500) && isTransient(error)
}

/**
 * Turns a refusal of S3 into an error that names the object and the way out; errors of ours, and aborts, come back as
 * they are. No key, token or signature is in it: the SDK's own error, which may quote the request, is left behind.
 *
 * - `ETL3-AW-01` UnavailableError: there are no credentials
 * - `ETL3-AW-02` UnavailableError: they have expired
 * - `ETL3-AW-03` ConfigError: they are refused
 * - `ETL3-AW-04` ConfigError: they do not suffice for this request
 * - `ETL3-AW-05` ConfigError: the bucket lies in another region
 * - `ETL3-AW-06` ConfigError: there is no such bucket
 * - `ETL3-AW-07` UnavailableError: no answer, or only busy ones, after all attempts
 * - `ETL3-AW-08` UnavailableError: bytes were damaged on their way, at each attempt
 * - `ETL3-AW-09` IntegrityError: any other refusal
 * - `ETL3-AW-10` ConfigError: the key of SSE-KMS cannot be used
 * - `ETL3-AW-11` ConflictError: the object changed while it was read
 * - `ETL3-AW-16` ConfigError: the server's certificate is not believed
 * - `ETL3-AW-18` ConfigError: the server or the bucket's policy does not have this kind of request
 * - `ETL3-AW-17`: a proxy does not let it through
 *
 * @param asked region in which S3 was asked, where the caller knows it
 */
export function s3Error(error: unknown, doing: string, address: string, asked?: string): unknown {
  if (error instanceof Etl3Error || !(error instanceof Error)) return error
  const named = names(error)
  const refusal: Refusal = {
    error,
    doing,
    address: JSON.stringify(address),
    where: `cannot ${doing} ${JSON.stringify(address)}`,
    name: nameOf(error),
    status: statusOf(error),
    has: (known) => named.some((name) => known.has(name)),
    region: bucketRegionIn(error),
    asked,
  }
  const id = requestText(error)
  const ofProxy = proxyError(error, refusal.where)
  if (ofProxy) return ofProxy
  const ofCredentials = credentialsError(named, `${refusal.where}${id}`, plainError(error))
  if (ofCredentials) return ofCredentials
  const meaning = MEANINGS.find(({ is }) => is(refusal))
  if (!meaning) return error
  const { kind: Kind, code, says, hint } = meaning
  return new Kind(code, `${says(refusal)}${id}`, {
    hint: typeof hint === 'string' ? hint : hint(refusal),
    cause: plainError(error),
  })
}

/** A refusal, and what was asked. */
interface Refusal {
  readonly error: Error
  readonly doing: string
  /** In quotation marks. */
  readonly address: string
  /** What cannot be done. */
  readonly where: string
  readonly name: string
  readonly status: number | undefined
  readonly has: (known: ReadonlySet<string>) => boolean
  /** Where the bucket lies, as far as the refusal says so. */
  readonly region: string | undefined
  /** Region in which S3 was asked. */
  readonly asked: string | undefined
}

/** What a refusal means. */
interface Meaning {
  readonly is: (refusal: Refusal) => boolean
  readonly kind: new (code: string, message: string, options: Etl3ErrorOptions) => Etl3Error
  readonly code: string
  readonly says: (refusal: Refusal) => string
  readonly hint: string | ((refusal: Refusal) => string)
}

/** The first that holds counts: a 403 may be a wrong key, a forbidden key of KMS or another region before it is a missing right. */
const MEANINGS: readonly Meaning[] = [
  {
    is: ({ error }) => isOfKey(error) && !isTransient(error),
    kind: ConfigError,
    code: 'ETL3-AW-10',
    says: ({ where, name }) => `the key of s3.kms_key_id cannot be used: ${where} (${name})`,
    hint: 'Check that the key exists in this region, is enabled, and that its policy allows kms:GenerateDataKey and kms:Decrypt.',
  },
  {
    is: isOfAnotherRegion,
    kind: ConfigError,
    code: 'ETL3-AW-05',
    says: (refusal) => `the bucket lies in another region${regionsOf(refusal)}: ${refusal.where}`,
    hint: ({ region = "the bucket's region" }) =>
      `Set s3.region to ${region}; where it is not set, AWS_REGION or the profile says, else athena.region.`,
  },
  {
    is: ({ error, status }) => names(error).some(isDenied) || status === 403,
    kind: ConfigError,
    code: 'ETL3-AW-04',
    says: ({ doing, address }) => `not allowed to ${doing} ${address}`,
    hint: "Give these credentials the right to do so; 'etl3 iam-policy' prints what ETL3 needs.",
  },
  {
    is: ({ name }) => name === 'NoSuchBucket',
    kind: ConfigError,
    code: 'ETL3-AW-06',
    says: ({ where }) => `there is no such bucket: ${where}`,
    hint: 'Create the bucket, or correct input.root, output.uri and output.metadata_uri.',
  },
  {
    is: ({ error }) => error instanceof DamagedOnTheWay,
    kind: UnavailableError,
    code: 'ETL3-AW-08',
    says: ({ where, error }) => `${where}: ${error.message}`,
    hint: 'Run again. If it stays, look at what lies between this machine and the store.',
  },
  {
    is: ({ error }) => names(error).some((name) => CERTIFICATE.test(name)),
    kind: ConfigError,
    code: 'ETL3-AW-16',
    says: ({ where, name }) => `the server's certificate is not believed: ${where} (${name})`,
    hint: 'Check s3.endpoint. Where the server or a proxy has a certificate of your own, name its authority in NODE_EXTRA_CA_CERTS.',
  },
  {
    is: ({ error }) => isTransient(error),
    kind: UnavailableError,
    code: 'ETL3-AW-07',
    says: ({ where, name }) => `S3 does not answer: ${where} (${name})`,
    hint: 'Check the network, s3.endpoint and the proxy, if there is one, then run again: the run resumes.',
  },
  {
    is: ({ error }) => isPreconditionFailed(error),
    kind: ConflictError,
    code: 'ETL3-AW-11',
    says: ({ where }) => `another writer changed it: ${where}`,
    hint: 'Run again.',
  },
  {
    is: ({ status }) => status === 501,
    kind: ConfigError,
    code: 'ETL3-AW-18',
    says: ({ where, name }) => `S3 does not do this kind of request here: ${where} (${name})`,
    hint: "A policy that enforces conditions on writes (s3:if-none-match, s3:if-match) makes S3 refuse all copies under conditions: have the bucket's policy leave out the table's prefix, or the role that runs ETL3. Another server may lack what ETL3 needs; docs/aws.md says what that is.",
  },
  {
    is: ({ status }) => status !== undefined,
    kind: IntegrityError,
    code: 'ETL3-AW-09',
    says: ({ where, name, error }) => `S3 refuses: ${where} (${name}: ${error.message})`,
    hint: 'If this server is not AWS, it may lack what ETL3 needs of S3; docs/aws.md says what that is.',
  },
]

function isOfAnotherRegion({ has, status, region, asked }: Refusal): boolean {
  if (has(ELSEWHERE) || status === 301) return true
  // To a HEAD there is no body: the region beside a mere 400 or 403 is all that tells.
  return region !== undefined && asked !== undefined && region !== asked && (status === 400 || status === 403)
}

function regionsOf({ region, asked }: Refusal): string {
  const regions = [
    ...(region === undefined ? [] : [region]),
    ...(asked === undefined ? [] : [`S3 is asked in ${asked}`]),
  ]
  return regions.length === 0 ? '' : ` (${regions.join('; ')})`
}

/** The refusal is about the key of SSE-KMS: by its name, or because an action of KMS is what is not allowed. */
function isOfKey(error: Error): boolean {
  return nameOf(error).startsWith('KMS') || /\bkms:[A-Z]\w+/.test(error.message)
}

function nameOf(error: unknown): string {
  return names(error)[0] ?? 'unknown'
}

/** The names under which an error goes: its own, and the code of the connection that failed. */
function names(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const code = 'code' in error && typeof error.code === 'string' ? [error.code] : []
  // The SDK wraps errors of connections; a chain of credentials keeps the last one.
  const inner = error.cause instanceof Error && error.name === 'Error' ? names(error.cause) : []
  return [error.name === 'Error' && code[0] ? code[0] : error.name, ...code, ...inner]
}

/** The answer broke off, or what came was not what S3 says. */
function isCutAnswer(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.message === 'aborted' ||
    /socket hang up|premature close|deserialization error|char .* is not expected|unclosed|parse error/i.test(
      error.message,
    )
  )
}

/** The bucket's region, where S3's refusal names it. */
export function bucketRegionIn(error: unknown): string | undefined {
  if (!isAnswer(error)) return undefined
  const named = 'Region' in error && typeof error.Region === 'string' ? error.Region : undefined
  const header = error.$response?.headers?.['x-amz-bucket-region']
  return named ?? header ?? /expecting '([a-z0-9-]+)'/.exec(error.message)?.[1]
}

/** The error without what the SDK hangs on it: request, answer, the text that was signed. */
function plainError(error: Error): Error {
  const status = statusOf(error)
  const plain = new Error(`${nameOf(error)}: ${error.message}${status === undefined ? '' : ` (HTTP ${status})`}`)
  plain.name = error.name
  delete plain.stack
  return plain
}

/** One item of a batch was refused; S3 says so in the body of an answer that is itself a success. */
export class ItemRefused extends Error {
  readonly $metadata: Answer['$metadata']

  constructor(code = 'InternalError', message = '') {
    super(message)
    this.name = code
    this.$metadata = { httpStatusCode: TRANSIENT.has(code) ? 503 : isDenied(code) ? 403 : 400 }
  }
}

/** What the SDK throws for an answer of S3. Told by its shape: the SDK is loaded only where it is used. */
interface Answer extends Error {
  readonly $metadata: { readonly httpStatusCode?: number | undefined; readonly requestId?: string | undefined }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

function isAnswer(error: unknown): error is Answer {
  return (
    error instanceof Error && '$metadata' in error && typeof error.$metadata === 'object' && error.$metadata !== null
  )
}
