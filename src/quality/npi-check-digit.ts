/**
 * The check digit of an NPI: Luhn's formula over the card issuer prefix 80840, the first nine digits and the check digit
 * (CMS, "Requirements for National Provider Identifier (NPI) and NPI Check Digit").
 */

/** What the five digits of the prefix 80840 add to the sum. */
const PREFIX_SUM = 24

/** SQL condition: a text has ten digits, of which the last is right. False for any other text. */
export function npiCheckDigitSql(text: string): string {
  const terms = Array.from({ length: 10 }, (_, i) => {
    const digit = `TRY_CAST(substr(${text}, ${i + 1}, 1) AS INTEGER)`
    // Counted from the right, every second digit is doubled, and 9 is taken from what then has two digits.
    return i % 2 === 0 ? `2 * ${digit} - CASE WHEN ${digit} > 4 THEN 9 ELSE 0 END` : digit
  })
  return `coalesce(length(${text}) = 10 AND (${PREFIX_SUM} + ${terms.join(' + ')}) % 10 = 0, false)`
}
