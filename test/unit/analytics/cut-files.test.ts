import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CuttableSlice, cutFiles } from '../../../src/analytics/cut-files.js'

const TARGET = 100
/** Bytes of a row, where slices have few and many. */
const BYTES = { few: 2, many: 60 }

const slices = fc
  .array(
    fc.record({
      name: fc.nat(),
      rows: fc.integer({ min: 1, max: 3 * TARGET }),
      small: fc.boolean(),
      bytes: fc.constantFrom(BYTES.few, BYTES.many),
    }),
    {
      maxLength: 200,
    },
  )
  .map((all) =>
    all.map(({ name, rows, small, bytes }, i) => sliceOf(`${i} ${name}`, small ? (rows % 20) + 1 : rows, bytes)),
  )

function sliceOf(identity: string, rows: number, bytesPerRow = BYTES.few): CuttableSlice {
  return { identity, rows, bytes: rows * bytesPerRow }
}

function cut(of: readonly CuttableSlice[], rows = TARGET, bytes = Number.POSITIVE_INFINITY): CuttableSlice[][] {
  return [...cutFiles(of, { rows, bytes })]
}

function rowsOf(file: readonly CuttableSlice[]): number {
  return file.reduce((sum, { rows }) => sum + rows, 0)
}

/** Files as one text each. */
function namesOf(files: readonly (readonly CuttableSlice[])[]): string[] {
  return files.map((file) => file.map(({ identity, rows }) => `${identity}:${rows}`).join('\n'))
}

describe('slices that are cut into files', () => {
  it('are all there, once, in their order, and no file is empty', () => {
    fc.assert(
      fc.property(slices, fc.integer({ min: 1, max: 1_000 }), (input, target) => {
        const files = cut(input, target)
        expect(files.flat()).toEqual(input)
        expect(files.every((file) => file.length > 0)).toBe(true)
      }),
    )
  })

  it('give files of half to twice the target, but for a slice that alone has more, what is before one, and the last file', () => {
    fc.assert(
      fc.property(slices, (input) => {
        const files = cut(input)
        for (const [i, file] of files.entries()) {
          const rows = rowsOf(file)
          if (file.length > 1) expect(rows).toBeLessThanOrEqual(2 * TARGET)
          const next = files[i + 1]?.[0]
          if (next && rows < TARGET / 2) expect(rows + next.rows).toBeGreaterThan(2 * TARGET)
        }
      }),
    )
  })

  it('give files of half to twice the target in bytes as well, by whichever of the two is reached first', () => {
    const bytesOf = (file: readonly CuttableSlice[]): number => file.reduce((sum, { bytes }) => sum + bytes, 0)
    fc.assert(
      fc.property(slices, fc.integer({ min: 50, max: 10_000 }), (input, target) => {
        const files = cut(input, TARGET, target)
        expect(files.flat()).toEqual(input)
        for (const [i, file] of files.entries()) {
          const [rows, bytes] = [rowsOf(file), bytesOf(file)]
          if (file.length > 1) expect([rows <= 2 * TARGET, bytes <= 2 * target]).toEqual([true, true])
          const next = files[i + 1]?.[0]
          if (next && rows < TARGET / 2 && bytes < target / 2)
            expect(rows + next.rows > 2 * TARGET || bytes + next.bytes > 2 * target).toBe(true)
        }
      }),
    )
  })

  it('are cut as by rows alone where the bytes are never reached', () => {
    fc.assert(
      fc.property(slices, (input) => {
        const most = TARGET * BYTES.many
        expect(namesOf(cut(input, TARGET, most))).toEqual(namesOf(cut(input)))
      }),
    )
  })

  it('give files of about the target on average, be the slices small or large', () => {
    for (const rows of [1, 5, 30]) {
      const files = cut(Array.from({ length: 60_000 / rows }, (_, i) => sliceOf(`slice ${i}`, rows)))
      const average = 60_000 / files.length
      expect(average).toBeGreaterThan(TARGET * 0.6)
      expect(average).toBeLessThan(TARGET * 1.5)
    }
  })
})

const CHANGES = ['insert', 'remove', 'grow'] as const

function changed(input: readonly CuttableSlice[], at: number, change: (typeof CHANGES)[number]): CuttableSlice[] {
  const found = input[at]
  if (!found) return [...input]
  if (change === 'insert') return input.toSpliced(at, 0, { ...found, identity: 'new' })
  if (change === 'remove') return input.toSpliced(at, 1)
  return input.with(at, { ...found, rows: found.rows + 1, bytes: found.bytes + BYTES.many })
}

/** Where a file ends, as the slice after which it does. */
function endsOf(files: readonly (readonly CuttableSlice[])[]): string[] {
  return files.map((file) => file.at(-1)?.identity ?? '')
}

describe('a slice that comes, goes or grows', () => {
  it('changes no file before its neighbor, and none after the next place at which both end a file', () => {
    const bytes = fc.constantFrom(Number.POSITIVE_INFINITY, TARGET * BYTES.few * 3)
    fc.assert(
      fc.property(slices, fc.nat(), fc.constantFrom(...CHANGES), bytes, (input, pick, change, target) => {
        fc.pre(input.length > 0)
        const at = pick % input.length
        const before = cut(input, TARGET, target)
        const after = cut(changed(input, at, change), TARGET, target)
        const own = before.findIndex((file) => file.some(({ identity }) => identity === input[at]?.identity))
        // The file before may have ended only because this slice was too many.
        const untouched = Math.max(0, own - 1)
        expect(namesOf(after).slice(0, untouched)).toEqual(namesOf(before).slice(0, untouched))
        const later = new Set(endsOf(after))
        const common = endsOf(before).findIndex((end, i) => i >= own && later.has(end) && end !== input[at]?.identity)
        if (common < 0) return
        const end = endsOf(before)[common] ?? ''
        expect(namesOf(after).slice(endsOf(after).indexOf(end) + 1)).toEqual(namesOf(before).slice(common + 1))
      }),
    )
  })

  it('leaves nearly all files as they were', () => {
    const input = Array.from({ length: 4_000 }, (_, i) => sliceOf(`slice ${i}`, (i * 7) % 23 || 1))
    const before = namesOf(cut(input))
    for (const change of CHANGES) {
      for (let at = 3; at < input.length; at += 397) {
        const kept = new Set(namesOf(cut(changed(input, at, change))))
        expect(before.filter((file) => !kept.has(file)).length).toBeLessThanOrEqual(6)
      }
    }
    expect(before.length).toBeGreaterThan(200)
  })

  it('and what the files hold is decided by names and rows alone', () => {
    const input = Array.from({ length: 300 }, (_, i) => ({ ...sliceOf(`slice ${i}`, 9), id: i }))
    const again = input.map((slice) => ({ ...slice, id: slice.id + 1_000 }))
    expect(namesOf(cut(again))).toEqual(namesOf(cut(input)))
  })
})
