/** Dates and months that a file holds as text, or as numbers such as 20250601 or 202506. */

const BLANKS = "E' \\t\\r\\n'"
const DAY = '\\d{4}-\\d{2}-\\d{2}'
/** ISO 8601, with 24:00 for the end of a day. */
const CLOCK = '[T ](([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d+)?)?|24:00(:00(\\.0+)?)?)'
const ZONE = ' ?(Z|UTC|[+-]([01]\\d|2[0-3])(:?[0-5]\\d)?)'

/**
 * SQL of the day that a text means, as `YYYY-MM-DD`: `2025-06-01`, `2025/6/1`, `20250601`, with a time of day behind it
 * or not; with a zone behind the time, the day in UTC. Any other text stays as it is.
 */
export function dayOfText(x: string): string {
  const t = trimmed(x)
  return `CASE WHEN ${full(x, DAY)} THEN ${x}
    WHEN ${full(t, DAY)} THEN ${t}
    WHEN ${full(t, '\\d{4}(-\\d{1,2}-|/\\d{1,2}/)\\d{1,2}')} THEN ${dayOr(x, `try_cast(replace(${t}, '/', '-') AS DATE)`)}
    WHEN ${full(t, '\\d{8}')} THEN ${dayOr(x, `try_strptime(${t}, '%Y%m%d')::DATE`)}
    WHEN ${full(t, DAY + CLOCK)} THEN ${dayOr(x, `try_cast(left(${t}, 10) AS DATE)`)}
    WHEN ${full(t, DAY + CLOCK + ZONE)} THEN ${dayOr(x, `make_timestamp(epoch_us(try_cast(${readable(t)} AS TIMESTAMPTZ)))::DATE`)}
    ELSE ${x} END`
}

/** SQL of a day of the years 1 to 9999; what is none stays as it is: a zone may lead out of these years. */
function dayOr(x: string, day: string): string {
  return `coalesce(nullif(regexp_extract(${day}::VARCHAR, '^${DAY}$'), ''), ${x})`
}

/**
 * SQL of the month that a text means, as `YYYY-MM`: `2025-06`, `2025/6`, `202506`, or that of a day as in
 * {@link dayOfText}. Any other text stays as it is: no month, which the quality rules tell.
 */
export function monthOfText(x: string): string {
  const t = trimmed(x)
  const day = dayOfText(x)
  return `CASE WHEN ${full(x, '\\d{4}-(0[1-9]|1[0-2])')} THEN ${x}
    WHEN ${full(t, '\\d{4}[-/]?(0[1-9]|1[0-2])')} THEN left(${t}, 4) || '-' || right(${t}, 2)
    WHEN ${full(t, '\\d{4}[-/][1-9]')} THEN left(${t}, 4) || '-0' || right(${t}, 1)
    WHEN ${full(day, DAY)} AND try_cast(${day} AS DATE) >= DATE '0001-01-01' THEN left(${day}, 7)
    ELSE ${x} END`
}

function full(x: string, pattern: string): string {
  return `regexp_full_match(${x}, '${pattern}')`
}

function trimmed(x: string): string {
  return `trim(${x}, ${BLANKS})`
}

/** The engine reads a zone only behind seconds, and without a space before it. */
function readable(t: string): string {
  const zoned = `regexp_replace(replace(${t}, 'UTC', 'Z'), '^(.{10}.[0-9:.]+) ', '\\1')`
  return `regexp_replace(${zoned}, '^(.{10}.\\d{2}:\\d{2})([Z+-].*)$', '\\1:00\\2')`
}
