/**
 * Rights of what is nobody else's business: its owner's, and the group's where the umask lets the group write, which is
 * how people share a folder.
 */

/** Of a file. */
export function privateMode(): number {
  return groupMayWrite() ? 0o660 : 0o600
}

/** Of a folder. */
export function privateFolderMode(): number {
  return groupMayWrite() ? 0o770 : 0o700
}

function groupMayWrite(): boolean {
  return (process.umask() & 0o020) === 0
}
