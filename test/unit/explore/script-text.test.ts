import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonForScript, policySource } from '../../../src/explore/script-text.js'

const ODD = fc.constantFrom('</script>', '<!--', ']]>', '&lt;', '\u2028', '\u2029', '\\', '"', "'", '\0', '<script>')

describe('data in a script element', () => {
  it('are the same data, and end neither the element nor a line of JavaScript', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(ODD, fc.string({ unit: 'binary' }))), (texts) => {
        const value = { [texts.join('')]: texts }
        const text = jsonForScript(value)
        expect(JSON.parse(text)).toEqual(value)
        expect(text).not.toMatch(/[<>&\u2028\u2029]/)
      }),
      { numRuns: 300 },
    )
  })

  it('are allowed by the digest of the very text', () => {
    const digest = createHash('sha256').update('ü', 'utf8').digest('base64')
    expect(policySource('ü')).toBe(`'sha256-${digest}'`)
  })
})
