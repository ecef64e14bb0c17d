/** Refusals that all services of AWS have in common: about who asks, not about what is asked. */
import { ConfigError, type Etl3Error, UnavailableError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'

const NO_CREDENTIALS: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError'])
const EXPIRED: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'RequestExpired',
])
const NOT_ACCEPTED: ReadonlySet<string> = new Set([
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidToken',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'IncompleteSignature',
])
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AllAccessDisabled',
  'Forbidden',
  '403',
])

/** Whether AWS knows who asks, and does not allow it. */
export function isDenied(name: string): boolean {
  return DENIED.has(name)
}

/** The id by which AWS's support finds a request, as text behind a message; '' where the answer has none. */
export function requestText(error: Error): string {
  const id = '$metadata' in error ? idIn(error.$metadata) : undefined
  return id === undefined ? '' : ` [request ${id}]`
}

function idIn(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('requestId' in metadata)) return undefined
  const { requestId } = metadata
  // Whoever answers may write anything there.
  return typeof requestId === 'string' && /^[\w+/=-]{1,100}$/.test(requestId) ? requestId : undefined
}

/** How a proxy says that it wants to know who asks. */
const PROXY_AUTHENTICATION = 407

/** What a proxy has answered in the server's place (`ProxyRefused`, which is loaded where it is used); else undefined. */
export function proxyStatusOf(error: unknown): number | undefined {
  return error instanceof Error && 'proxyStatus' in error ? Number(error.proxyStatus) : undefined
}

/**
 * The error for a proxy that does not let a request through: `ETL3-AW-17`, ConfigError, or UnavailableError where it
 * cannot reach the server.
 * @returns undefined where the failure is about something else
 */
export function proxyError(error: Error, asked: string): Etl3Error | undefined {
  const refused = proxyStatusOf(error)
  const status = refused ?? statusIn(error)
  if (refused === undefined && status !== PROXY_AUTHENTICATION) return undefined
  const says = refused === undefined ? 'the proxy wants to know who asks' : plainText(error.message)
  const message = `${says}: ${asked}`
  if (refused !== undefined && refused >= 500) {
    return new UnavailableError('ETL3-AW-17', message, {
      hint: 'The proxy cannot reach the server; check both, then run again: the run resumes.',
    })
  }
  return new ConfigError('ETL3-AW-17', message, {
    hint: 'Have the proxy allow the host, put the name and password into HTTPS_PROXY, or leave the host out with NO_PROXY.',
  })
}

function statusIn(error: Error): number | undefined {
  const metadata = '$metadata' in error ? error.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return Number(metadata.httpStatusCode)
}

/**
 * The error for credentials with which no service of AWS would work:
 *
 * - `ETL3-AW-01` UnavailableError: there are none
 * - `ETL3-AW-02` UnavailableError: they have expired
 * - `ETL3-AW-03` ConfigError: they are not accepted
 *
 * @param names names under which the failure goes: its class, its code, those of its causes
 * @param asked what was asked of which service
 * @param cause what may be kept of the failure: no request, no token
 * @returns undefined where the failure is about something else
 */
export function credentialsError(names: readonly string[], asked: string, cause: Error): Etl3Error | undefined {
  const first = (known: ReadonlySet<string>): string | undefined => names.find((name) => known.has(name))
  if (first(NO_CREDENTIALS)) {
    return new UnavailableError('ETL3-AW-01', `AWS credentials not available: ${asked}`, {
      hint: 'Sign in (aws sso login), name a profile in AWS_PROFILE, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role; the run then resumes.',
      cause,
    })
  }
  if (first(EXPIRED)) {
    return new UnavailableError('ETL3-AW-02', `the AWS credentials have expired: ${asked}`, {
      hint: 'Sign in again (aws sso login) or renew the token, then run again: the run resumes.',
      cause,
    })
  }
  const refusal = first(NOT_ACCEPTED)
  if (refusal === undefined) return undefined
  return new ConfigError('ETL3-AW-03', `AWS does not accept the credentials: ${asked} (${refusal})`, {
    hint: 'Check which credentials are used (aws sts get-caller-identity), AWS_PROFILE, the AWS_* variables and the clock of this machine.',
    cause,
  })
}
