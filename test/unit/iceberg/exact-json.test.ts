import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExactJson, writeExactJson } from '../../../src/iceberg/exact-json.js'

describe('JSON with whole numbers of any size', () => {
  it('keeps every digit of a snapshot id, and leaves texts alone', () => {
    const text =
      '{"id":9223372036854775807,"name":"9223372036854775807","at":-3,"part":1.5e3,"far":-9223372036854775808}'
    expect(parseExactJson(text)).toEqual({
      id: 9223372036854775807n,
      name: '9223372036854775807',
      at: -3,
      part: 1500,
      far: -9223372036854775808n,
    })
    expect(writeExactJson(parseExactJson(text))).toBe(text.replace('1.5e3', '1500'))
  })

  it('gives back every value', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\uE000', '\uE0005', '\uE000\uE0001', '"\uE0007"'),
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        texts,
        fc.integer(),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n }),
        fc.array(tie('tree')),
        fc.dictionary(
          texts.filter((key) => key !== '__proto__' && !key.startsWith('\uE000')),
          tie('tree'),
          { noNullPrototype: true },
        ),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseExactJson(writeExactJson(value))).toEqual(value)
      }),
    )
  })
})
