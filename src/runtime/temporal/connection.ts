/** Which Temporal server, and how to reach it: configuration over the TEMPORAL_* variables and profiles. */
import { connect } from 'node:net'
import type { Client } from '@temporalio/client'
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig'
import { ConfigError, messageOf, UnavailableError } from '../errors.js'
import type { TemporalSettings } from './temporal-settings.js'

/** The address at which Temporal's own tools look for a server. */
const DEFAULT_ADDRESS = '127.0.0.1:7233'

// google.rpc.Code
const PERMISSION_DENIED = 7

/** A server and a namespace on it. */
export interface Endpoint {
  /** `host:port` */
  readonly address: string
  readonly namespace: string
  /** Whether TLS, API key and headers of the TEMPORAL_* variables and the profile apply. Never for a server of our own. */
  readonly useProfile: boolean
}

/**
 * The server that the user named, in `temporal.address`, in TEMPORAL_ADDRESS or in a profile; undefined when in none.
 * @throws ConfigError ETL3-TP-02 when the profile cannot be read
 */
export function configuredEndpoint(temporal: TemporalSettings): Endpoint | undefined {
  const profile = loadProfile()
  const address = temporal.address ?? profile.connectionOptions.address
  if (address === undefined) return undefined
  const named = temporal.namespace === 'default' ? profile.namespace : temporal.namespace
  return { address, namespace: named ?? 'default', useProfile: true }
}

/**
 * The server at the default address, which counts where none is configured and one answers there.
 * @param address default: `127.0.0.1:7233`
 */
export function standardEndpoint({ namespace }: TemporalSettings, address = DEFAULT_ADDRESS): Endpoint {
  return { address, namespace, useProfile: false }
}

/** Temporal's client. It takes a sixth of a second to load, which can be done while something else starts. */
export async function loadClient(): Promise<typeof import('@temporalio/client')> {
  return await import('@temporalio/client')
}

/**
 * Connects a client, and makes sure that the namespace is there.
 * @throws UnavailableError ETL3-TP-01 when there is no answer within `timeoutMs`
 */
export async function connectClient(endpoint: Endpoint, timeoutMs: number): Promise<Client> {
  const { Client, Connection, isGrpcServiceError } = await loadClient()
  return await answered(endpoint, timeoutMs, async () => {
    const connection = await Connection.connect({ ...connectionOptionsOf(endpoint), connectTimeout: timeoutMs })
    try {
      await connection.withDeadline(Date.now() + timeoutMs, () =>
        connection.workflowService.describeNamespace({ namespace: endpoint.namespace }),
      )
    } catch (cause) {
      // A server may let us work in a namespace and not describe it.
      if (!isGrpcServiceError(cause) || cause.code !== PERMISSION_DENIED) {
        await connection.close()
        throw cause
      }
    }
    return new Client({ connection, namespace: endpoint.namespace })
  })
}

/** Whether a server answers there. */
export async function answers(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
  // gRPC tries a refused connection again until its time is over; here nobody listening is an answer.
  if (!(await isOpen(endpoint, timeoutMs))) return false
  try {
    const client = await connectClient(endpoint, timeoutMs)
    await client.connection.close()
    return true
  } catch {
    return false
  }
}

/** Whether somebody takes connections there; a server that is too busy to answer still does. */
export async function isOpen({ address }: Endpoint, timeoutMs: number): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`)
  return await new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) })
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** How client and worker connect: the profile's options where they apply. */
export function connectionOptionsOf(endpoint: Endpoint): ClientConnectConfig['connectionOptions'] {
  return endpoint.useProfile
    ? { ...loadProfile().connectionOptions, address: endpoint.address }
    : { address: endpoint.address }
}

function loadProfile(): ClientConnectConfig {
  try {
    return loadClientConnectConfig()
  } catch (cause) {
    throw new ConfigError('ETL3-TP-02', `the Temporal profile cannot be read: ${messageOf(cause)}`, {
      hint: 'Correct the file that TEMPORAL_CONFIG_FILE names, or choose another profile with TEMPORAL_PROFILE.',
      cause,
    })
  }
}

/**
 * What `connect` gives, if it does in time.
 * @throws UnavailableError ETL3-TP-01 when it fails or there is no answer within `timeoutMs`
 */
export async function answered<T>(endpoint: Endpoint, timeoutMs: number, connect: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([connect(), late])
  } catch (cause) {
    throw new UnavailableError(
      'ETL3-TP-01',
      `no Temporal server answers [address=${endpoint.address}, namespace=${endpoint.namespace}]: ${messageOf(cause)}`,
      {
        hint: 'Start it (`etl3 dev` starts one), or correct temporal.address, TEMPORAL_ADDRESS and temporal.namespace; with no address at all ETL3 starts a server of its own.',
        cause,
      },
    )
  } finally {
    clearTimeout(timer)
  }
}
