import { describe, expect, it } from 'vitest'
import { asCode, asDate, asId, asInteger, asMonth, asNumber, asText } from '../../../src/audit/contract-values.js'
import { NotCovered } from '../../../src/audit/not-covered.js'
import type { Scalar } from '../../../src/audit/scalars.js'

const decimal = (unscaled: bigint, scale: number): Scalar => ({ kind: 'decimal', unscaled, scale })
const float32 = (value: number): Scalar => ({ kind: 'float32', value: Math.fround(value) })
const moment = (iso: string, nanos = 0n): Scalar => ({
  kind: 'instant',
  ticks: BigInt(Date.parse(iso)) * 1_000_000n + nanos,
  ticksPerSecond: 1_000_000_000n,
  utc: true,
})
const day = (iso: string): Scalar => ({ kind: 'day', days: BigInt(Date.parse(`${iso}T00:00:00Z`) / 86_400_000) })

// Expectations are sentences of docs/data-dictionary.md, "Types".
describe('what a stored value becomes', () => {
  it.each<[string, Scalar, string]>([
    ['text as it is, blanks and mark included', '\uFEFF 007 ', '\uFEFF 007 '],
    ['digits of a whole number', 12n, '12'],
    ['digits of a whole DOUBLE', 48453, '48453'],
    ['minus zero as 0', -0, '0'],
    ['digits of a whole FLOAT', float32(7), '7'],
    [
      'digits of DECIMAL(38,0)',
      decimal(12345678901234567890123456789012345678n, 0),
      '12345678901234567890123456789012345678',
    ],
    ['digits of a whole decimal with a scale', decimal(-700n, 2), '-7'],
  ])('id: %s', (_, scalar, expected) => expect(asId(scalar)).toBe(expected))

  it.each<[string, Scalar, string]>([
    ['all digits of the scale of a fraction', decimal(1250n, 2), '12.50'],
    ['a small negative fraction', decimal(-5n, 3), '-0.005'],
    ['shortest digits of a DOUBLE', 690.64462, '690.64462'],
    ['shortest digits of a FLOAT', float32(0.1), '0.1'],
    ['an exponent as in Python', 0.00001, '1e-05'],
    ['no exponent before it', 0.0001, '0.0001'],
    ['a boolean', true, 'true'],
    ['a date', day('2025-06-01'), '2025-06-01'],
    ['a date before 1970', day('1969-12-31'), '1969-12-31'],
    ['a point in time', moment('2025-06-01T23:30:00Z'), '2025-06-01 23:30:00'],
    ['its fraction', moment('2025-06-01T23:30:00Z', 1000n), '2025-06-01 23:30:00.000001'],
  ])('text: %s', (_, scalar, expected) => expect(asText(scalar)).toBe(expected))

  it.each<[string, Scalar, string]>([
    ['zeros that a number lost', 1055n, '01055'],
    ['none before text', '1055', '1055'],
    ['none before a longer number', 123456n, '123456'],
    ['none before a negative one', -12n, '-12'],
  ])('code: %s', (_, scalar, expected) => expect(asCode(() => 5)(scalar)).toBe(expected))

  it.each<[Scalar, string]>([
    ['2025-06-01', '2025-06-01'],
    [' 2025/6/1\n', '2025-06-01'],
    ['20250601', '2025-06-01'],
    [20250601n, '2025-06-01'],
    ['2025-02-30', '2025-02-30'],
    ['2025/02/30', '2025/02/30'],
    ['never', 'never'],
    ['2025-12-31T23:30:00', '2025-12-31'],
    ['2025-12-31 23:30:00-05', '2026-01-01'],
    ['2025-12-31T00:30+05:30', '2025-12-30'],
    ['2025-12-31T23:30:00.123Z', '2025-12-31'],
    [moment('2025-12-31T00:00:00Z'), '2025-12-31'],
    [moment('1969-12-31T23:59:59Z'), '1969-12-31'],
    [day('9999-12-31'), '9999-12-31'],
  ])('date: %s gives %s', (scalar, expected) => expect(asDate(scalar)).toBe(expected))

  it.each<[Scalar, string]>([
    ['2025-06', '2025-06'],
    ['2025/06', '2025-06'],
    ['2025-6', '2025-06'],
    ['202506', '2025-06'],
    [202506n, '2025-06'],
    [202506, '2025-06'],
    [20250601n, '2025-06'],
    [day('2025-06-30'), '2025-06'],
    [moment('2025-06-30T23:59:59Z'), '2025-06'],
    ['2025-13', '2025-13'],
    ['202513', '202513'],
    ['2025', '2025'],
    ['2025-O6', '2025-O6'],
  ])('month: %s gives %s', (scalar, expected) => expect(asMonth(scalar)).toBe(expected))

  it('number: the nearest double, whatever holds it', () => {
    expect([asNumber(1.1), asNumber(7n), asNumber(decimal(110n, 2)), asNumber(float32(0.5))]).toEqual([
      1.1, 7, 1.1, 0.5,
    ])
    expect(asNumber(-0)).toBe(-0)
    expect(asInteger(decimal(20250n, 1))).toBe(2025)
  })

  it.each<[string, () => unknown]>([
    ['an id that is a fraction', () => asId(1.5)],
    ['an id from 2^53 on', () => asId(2 ** 53)],
    ['a FLOAT id from 2^24 on', () => asId(float32(2 ** 24))],
    ['a boolean as a code', () => asCode(() => 5)(true)],
    ['text as a number', () => asNumber('1')],
    ['infinity as text', () => asText(Number.POSITIVE_INFINITY)],
    ['a date of the year 10000', () => asDate({ kind: 'day', days: 2_932_897n })],
  ])('%s is nothing that the audit knows a value for', (_, act) => expect(act).toThrow(NotCovered))
})
