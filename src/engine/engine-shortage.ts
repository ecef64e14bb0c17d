/** What the engine was short of when it gave up, from its own words. */

/** `share`: the memory that it was given; `system`: memory of the machine, or of this process; `disk`: where it writes. */
export type EngineShortage = 'disk' | 'share' | 'system'

/**
 * What the engine lacked, or undefined where it failed for another reason.
 *
 * A spill folder on a full disk is told as memory that runs out: what cannot be written stays in it. So the disk comes
 * first. Within its own limit the engine says how much of it is used; where the system refuses, it has no such figure.
 *
 * @param message the whole of DuckDB's message, not its first line alone
 */
export function shortageOf(message: string): EngineShortage | undefined {
  if (/No space left on device|Disk quota exceeded|max_temp_directory_size/i.test(message)) return 'disk'
  if (/Allocation failure|bad[ _]?alloc/i.test(message)) return 'system'
  return /Out of Memory Error|failed to (?:allocate|pin)/i.test(message) ? 'share' : undefined
}
