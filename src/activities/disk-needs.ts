/** What parts of a run need of disks, and whether these have it. Places may share a disk: then their needs add up. */
import { diskOf, type FreeRoom, freeRoomAt } from '../runtime/free-room.js'
import { isS3Address } from '../runtime/uri.js'

/** What is needed at a place. */
export interface DiskNeed {
  /** A folder; it need not be there. */
  readonly place: string
  readonly bytes: number
  /** New files and folders. */
  readonly inodes: number
}

/** What is needed of a disk, and what it has. */
export interface DiskRoom extends DiskNeed, FreeRoom {}

/** The needs of each disk and what is free on it; a disk is named by the first of its places. */
export function roomOf(needs: readonly DiskNeed[]): readonly DiskRoom[] {
  const byDisk = new Map<number, DiskNeed>()
  for (const need of needs) {
    const disk = diskOf(need.place)
    const sofar = byDisk.get(disk)
    byDisk.set(disk, {
      place: sofar?.place ?? need.place,
      bytes: (sofar?.bytes ?? 0) + need.bytes,
      inodes: (sofar?.inodes ?? 0) + need.inodes,
    })
  }
  return [...byDisk.values()].map((need) => ({ ...need, ...freeRoomAt(need.place) }))
}

/** Whether two folders are on different disks, so that a file is copied from one to the other; a bucket is on none. */
export function onDifferentDisks(one: string, other: string): boolean {
  return !isS3Address(one) && !isS3Address(other) && diskOf(one) !== diskOf(other)
}
