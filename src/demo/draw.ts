/**
 * Pseudo-random numbers inside SQL: `draw(stream, i)` is the i-th number of a stream, at any i without the ones before.
 * Plain 64-bit integer arithmetic, so every machine and every version of the engine draws the same.
 */

// Three primes below 2^32 and 2^31. Each step multiplies a number by a part of itself: with linear steps alone, two
// streams would differ by a constant.
const P1 = 4_294_967_291
const P2 = 4_294_967_279
const P3 = 2_147_483_647

/**
 * SQL that defines the macros of a generator.
 *
 * - `draw(stream, i)`: BIGINT in [0, 2^31 − 1), for 0 ≤ i < 2^31 and small streams
 * - `pick(stream, i, list)`: one item of a list, all equally likely
 * - `skewed(stream, i, n)`: BIGINT in [0, n), low ones more likely (density falls as 1/√x)
 * - `chance(stream, i, per_mille)`: true for that many of a thousand
 */
export function drawMacros(seed: number): readonly string[] {
  const offset = (BigInt(seed) * 2_654_435_761n) % BigInt(P1)
  return [
    `CREATE MACRO draw_start(stream, i) AS (i::BIGINT * 1597334677 + stream::BIGINT * 3812015801 + ${offset}) % ${P1}`,
    `CREATE MACRO draw_fold(x) AS (x * (x % 1048573 + 7)) % ${P2}`,
    `CREATE MACRO draw_last(x) AS (x * (x % 1048571 + 3)) % ${P3}`,
    'CREATE MACRO draw(stream, i) AS draw_last(draw_fold(draw_start(stream, i)))',
    'CREATE MACRO pick(stream, i, list) AS list[1 + draw(stream, i) % len(list)]',
    // (u² · n) / 2^32 with u of 16 bits stays in 64 bits.
    'CREATE MACRO skewed(stream, i, n) AS ((draw(stream, i) % 65536) * (draw(stream, i) % 65536) * n) // 4294967296',
    'CREATE MACRO chance(stream, i, per_mille) AS draw(stream, i) % 1000 < per_mille',
  ]
}
