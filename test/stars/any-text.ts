/** Texts as people's files hold them, for properties: everything that UTF-8 can say, and mostly what software mistakes. */
import fc from 'fast-check'

/** What pieces of software take for something else, or for nothing. */
export const TRAPS = [
  ...['\ufeff', '\ufeff\ufeff', '\ufeffAB', '\0', '\u200b', '\u2060', '\u00ad', '\u202e'], // marks that nobody sees
  ...[' ', '\t', '\n', '\r\n', '\u00a0', '\u2028', '\u3000'], // blanks
  ...['\u00e9', 'e\u0301', '\u212b', '\u00c5', 'A\u030a'], // twins: composed, decomposed
  ...['\ufffd', '\ufffe', '\uffff', '\u{1f600}', '\u{10ffff}', '\ud7ff', '\ue000'], // at the edges of UTF-16
  ...['ß', '\u0130', '\u017f', 'İ', '"', "'", '\\', '%', '/', '|', '\u007f', '\u0080'],
] as const

/** Any text of up to some 25 code points, with a trap at either end more often than not. No unpaired surrogates. */
export function anyText(): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom('', ...TRAPS), fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('', ...TRAPS))
    .map((parts) => parts.join(''))
}
