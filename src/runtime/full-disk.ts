/** What a disk lacks that takes no more. */
import { freeRoomAt } from './free-room.js'

/** In words: what is wrong, and what helps. */
export interface FullDisk {
  /** `no free disk`, say. */
  readonly lack: string
  /** A sentence without its end: `Free some space`, say. */
  readonly remedy: string
}

/**
 * Tells a disk without free bytes from one that has bytes and takes no more files, from a user's full quota, and from a
 * file that the system does not let grow. The system says ENOSPC for the first two.
 *
 * @param code of the failed system call
 * @param path what was written to; it need not be there
 */
export function fullDisk(code: 'ENOSPC' | 'EDQUOT' | 'EFBIG', path: string | undefined): FullDisk {
  if (code === 'EDQUOT')
    return { lack: "this user's quota of the disk is full", remedy: 'Free some space, or raise the quota' }
  if (code === 'EFBIG') {
    return { lack: 'the file is larger than this system allows', remedy: 'Raise the limit of a file (ulimit -f)' }
  }
  return path !== undefined && hasBytesButNoInodes(path)
    ? {
        lack: 'no free inodes: the disk has space, and takes no more files',
        remedy: 'Remove files that nobody needs (df -i shows how many there are)',
      }
    : { lack: 'no free disk', remedy: 'Free some space' }
}

function hasBytesButNoInodes(path: string): boolean {
  try {
    const { freeBytes, freeInodes } = freeRoomAt(path)
    return freeInodes === 0 && freeBytes > 0
  } catch {
    return false
  }
}
