/**
 * Who a worker is: host, process, version, installation, folder. It is the worker's identity at Temporal, so that every
 * command, the Web UI and the history of a run can say who did the work.
 */
import { hostname } from 'node:os'
import { PACKAGE_ROOT } from './package-root.js'
import { plainText } from './plain-text.js'
import { VERSION } from './version.js'

/** A worker, as far as its identity tells. */
export interface WorkerIdentity {
  readonly pid: number
  readonly host: string
  /** What is unknown of a worker of another program, or of an ETL3 that did not say it yet. */
  readonly build: WorkerBuild | undefined
}

/** Which ETL3 a worker runs, and where it was started. */
interface WorkerBuild {
  readonly version: string
  /** Folder of the installation. */
  readonly installation: string
  /** Folder in which it was started. */
  readonly folder: string
}

// A server refuses identities above 1,000 bytes.
const LONGEST_PATH_BYTES = 400

/** The identity of a worker of this installation that is started in the folder of this process. */
export function identityOfWorker(pid: number): string {
  return `${pid}@${hostname()} etl3 ${VERSION} from ${quoted(PACKAGE_ROOT)} in ${quoted(process.cwd())}`
}

const WITH_PROCESS = /^(\d+)@(\S+)(?: etl3 (\S+) from ("(?:[^"\\]|\\.)*") in ("(?:[^"\\]|\\.)*"))?$/

/** Reads an identity; undefined for one that names no process, as other programs may have. */
export function readWorkerIdentity(identity: string): WorkerIdentity | undefined {
  const [, pid, host, version, installation, folder] = WITH_PROCESS.exec(identity) ?? []
  if (pid === undefined || host === undefined) return undefined
  const build =
    version === undefined || installation === undefined || folder === undefined
      ? undefined
      : { version, installation: unquoted(installation), folder: unquoted(folder) }
  return { pid: Number(pid), host, build }
}

/** Whether a worker runs the same ETL3 as this process: the same version from the same folder of the same machine. */
export function isOfThisBuild({ host, build }: WorkerIdentity): boolean {
  return host === hostname() && build?.version === VERSION && build.installation === unquoted(quoted(PACKAGE_ROOT))
}

/** Whether a worker runs the same version as this process, wherever it is installed. */
export function isOfThisVersion({ build }: WorkerIdentity): boolean {
  return build?.version === VERSION
}

/** A worker in words, for a line on the terminal: `process 4711 on host, ETL3 0.1.0 of /opt/etl3, started in /srv/rates`. */
export function describeWorker(identity: string): string {
  const worker = readWorkerIdentity(identity)
  if (!worker) return plainText(identity)
  const { pid, host, build } = worker
  const where = `process ${pid} on ${plainText(host)}`
  return build
    ? `${where}, ETL3 ${plainText(build.version)} of ${plainText(build.installation)}, started in ${plainText(build.folder)}`
    : `${where}, which does not say its version`
}

/** A path in JSON's quotes; of a very long one the end. */
function quoted(path: string): string {
  const text = JSON.stringify(path)
  return Buffer.byteLength(text) > LONGEST_PATH_BYTES ? quoted(`…${path.slice(2 + path.length / 10)}`) : text
}

function unquoted(text: string): string {
  try {
    const path: unknown = JSON.parse(text)
    return typeof path === 'string' ? path : text
  } catch {
    return text
  }
}
