/** The order of texts: that of their bytes in UTF-8. JavaScript's own order is that of UTF-16 and differs beyond U+FFFF. */
export function byBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}
