import { describe, expect, it } from 'vitest'
import { shortageOf } from '../../../src/engine/engine-shortage.js'

describe('what the engine was short of', () => {
  // As DuckDB 1.5 says it: within its own limit, under `ulimit -v`, and on full disks.
  it.each([
    ['Out of Memory Error: failed to allocate data of size 16.0 MiB (51.1 MiB/60.0 MiB used)', 'share'],
    ['Out of Memory Error: could not allocate block of size 256.0 KiB (61.9 MiB/61.9 MiB used)', 'share'],
    ['Out of Memory Error: Failed to allocate block of 262144 bytes (bad allocation)', 'system'],
    ['Out of Memory Error: Allocation failure', 'system'],
    ['std::bad_alloc', 'system'],
    [
      'Out of Memory Error: failed to offload data block of size 160.0 KiB (0 bytes/0 bytes used).\n' +
        "This limit was set by the 'max_temp_directory_size' setting.",
      'disk',
    ],
    ['IO Error: Could not write file "/lake/x": No space left on device', 'disk'],
    ['IO Error: Could not write file "/lake/x": Disk quota exceeded', 'disk'],
    ['Binder Error: no such column', undefined],
  ])('follows from its words: %s', (message, shortage) => {
    expect(shortageOf(message)).toBe(shortage)
  })
})
