/** What is free on the disk of a place. */
import { statfsSync, statSync } from 'node:fs'
import { existingParent } from './existing-parent.js'

/** What is free on a disk. */
export interface FreeRoom {
  readonly freeBytes: number
  /** How many more files and folders it takes; undefined where it makes room for them as it needs it (btrfs). */
  readonly freeInodes: number | undefined
}

/** What is free where a folder lies, or will lie. */
export function freeRoomAt(place: string): FreeRoom {
  const { bavail, bsize, files, ffree } = statfsSync(existingParent(place))
  return { freeBytes: bavail * bsize, freeInodes: files > 0 ? ffree : undefined }
}

/** A number that is the same for places on the same disk. */
export function diskOf(place: string): number {
  return statSync(existingParent(place)).dev
}
