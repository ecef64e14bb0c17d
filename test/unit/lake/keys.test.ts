import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodePartitionValue,
  encodePartitionValue,
  PARTITION_FILE,
  partitionKey,
  partitionValues,
} from '../../../src/lake/keys.js'
import { InputError } from '../../../src/runtime/errors.js'

/** Every JavaScript string there is: any UTF-16 code units, lone surrogates too, with what is special more often. */
const anyString = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom('%', '/', '=', '_', 'N', '%2F', '\ud800', '\udc00', '😀', '\u0000', '\n'),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

const sentinel = fc
  .constantFrom('__NULL__', '__HIVE_DEFAULT_PARTITION__')
  .chain((word) =>
    fc
      .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
      .map((upper) => Array.from(word, (c, i) => (upper[i] ? c.toUpperCase() : c.toLowerCase())).join('')),
  )

const anyValue = fc.oneof(
  { weight: 6, arbitrary: anyString },
  { weight: 2, arbitrary: sentinel },
  { weight: 1, arbitrary: fc.constant(null) },
)

describe('partition values in paths', () => {
  it('come back as they were: every string, and NULL', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(decodePartitionValue(encodePartitionValue(value))).toBe(value)
      }),
      { numRuns: 5000 },
    )
  })

  it('are different where the values are', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        expect(encodePartitionValue(a) === encodePartitionValue(b)).toBe(a === b)
      }),
      { numRuns: 5000 },
    )
  })

  it('are percent-encoded text as every URL library reads it', () => {
    fc.assert(
      fc.property(fc.oneof(anyString, sentinel), (value) => {
        fc.pre(!/\p{Surrogate}/u.test(value))
        expect(decodeURIComponent(encodePartitionValue(value))).toBe(value)
      }),
      { numRuns: 5000 },
    )
  })

  it('hold no slash, no equals sign, no control character, and no wildcard', () => {
    fc.assert(
      fc.property(anyString, (value) => {
        const forbidden = Array.from(encodePartitionValue(value)).filter(
          (c) => '/=*?[\\:"'.includes(c) || (c.codePointAt(0) ?? 0) < 32,
        )
        expect(forbidden).toEqual([])
      }),
    )
  })

  it('escape exactly the characters that Hive escapes', () => {
    // FileUtils.charToEscape of Hive 3.1: \u0001 to \u001F, these, and (by its loop below the blank) \u0000.
    const listed = ['"', '#', '%', "'", '*', '/', ':', '=', '?', '\\', '\u007f', '{', '[', ']', '^']
    for (let code = 0; code < 0x250; code++) {
      const character = String.fromCharCode(code)
      const escaped = `%${code.toString(16).padStart(2, '0').toUpperCase()}`
      expect(encodePartitionValue(character), `U+${code.toString(16)}`).toBe(
        code < 32 || listed.includes(character) ? escaped : character,
      )
    }
  })

  it.each([
    ['Dallas-Fort Worth-Arlington, TX', 'Dallas-Fort Worth-Arlington, TX'],
    ["Coeur d'Alene, ID", 'Coeur d%27Alene, ID'],
    ['a/b; (c) & d', 'a%2Fb; (c) & d'],
    ['100%', '100%25'],
    ['%2F', '%252F'],
    ['Zürich 東京 😀', 'Zürich 東京 😀'],
    ['__NULL__', '%5F_NULL__'],
    ['__null__', '%5F_null__'],
    ['__Hive_Default_Partition__', '%5F_Hive_Default_Partition__'],
    ['__NULL__x', '__NULL__x'],
    [null, '__NULL__'],
    ['\ud800', '%ED%A0%80'],
    ['', ''],
  ])('writes %j as %s', (value, text) => {
    expect(encodePartitionValue(value)).toBe(text)
    expect(decodePartitionValue(text)).toBe(value)
  })

  it.each(['a/b', '%2f', '%41', '%', '%C3%A4', '__null__', '__HIVE_DEFAULT_PARTITION__', '%ED%A0%80%ED%B0%80'])(
    'refuses %s, which it never writes',
    (text) => {
      expect(() => decodePartitionValue(text)).toThrow(expect.objectContaining({ code: 'ETL3-KE-02' }))
    },
  )
})

describe('partition keys', () => {
  it('are Hive paths, with the file at their end', () => {
    expect(partitionKey(['payer_slug', 'state', 'month'], ['bcbs/ga', null, '08'])).toBe(
      'payer_slug=bcbs%2Fga/state=__NULL__/month=08/fact_rate_enriched.parquet',
    )
  })

  it('give back their values, and are different where these are', () => {
    const values = fc.array(anyValue, { minLength: 2, maxLength: 2 }).filter((v) => v.join('').length < 50)
    fc.assert(
      fc.property(values, values, (a, b) => {
        const columns = ['a', 'b=/%']
        const key = partitionKey(columns, a)
        expect(partitionValues(columns, key)).toEqual(a)
        expect(key === partitionKey(columns, b)).toBe(a[0] === b[0] && a[1] === b[1])
      }),
    )
  })

  it('may have 1,024 bytes and not one more', () => {
    const around = Buffer.byteLength(`a=/${PARTITION_FILE}`)
    const longest = 'é'.repeat((1024 - around - 1) / 2) + 'x'.repeat(1 + ((1024 - around - 1) % 2))
    expect(Buffer.byteLength(partitionKey(['a'], [longest]))).toBe(1024)
    expect(() => partitionKey(['a'], [`${longest}x`])).toThrow(InputError)
  })

  it('that are too long are refused with the column, the value and its length', () => {
    const value = `\u001b[31m'${'x'.repeat(2000)}`
    expect(() => partitionKey(['state', 'stat_area_name'], ['TX', value])).toThrow(
      expect.objectContaining({
        code: 'ETL3-KE-01',
        message: expect.stringMatching(/^[ -~…]*stat_area_name='%1B%5B31m%27x+…', 2006 bytes\]$/),
        hint: expect.stringContaining('partition_columns'),
      }),
    )
  })

  it.each([
    'state=TX/other.parquet',
    'state=TX',
    `TX/${PARTITION_FILE}`,
    `year=TX/${PARTITION_FILE}`,
    `state=TX/x=1/${PARTITION_FILE}`,
    `state=TX:/${PARTITION_FILE}`,
  ])('does not take %s for a key of ours', (key) => {
    expect(() => partitionValues(['state'], key)).toThrow(expect.objectContaining({ code: 'ETL3-KE-02' }))
  })
})
