import {
  arrayValue,
  DuckDBInstance,
  type DuckDBValue,
  listValue,
  mapValue,
  structValue,
  unionValue,
} from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Engine, withEngine } from '../../../src/engine/engine.js'
import { sqlIdentifier, sqlString } from '../../../src/engine/sql.js'
import { columnValues } from '../../../src/runtime/column-values.js'
import { anyText } from '../../stars/any-text.js'
import { GO_ON, lakeFolder } from '../lake/folder/lake-folder.js'

/** An SQL expression that gives the text without that it crosses as text: from its UTF-8 in hex. */
function fromHex(text: string): string {
  return `decode(unhex('${Buffer.from(text, 'utf8').toString('hex')}'))`
}

async function inEngine<T>(act: (engine: Engine) => Promise<T>): Promise<T> {
  return await withEngine({ memoryLimitMb: 128, threads: 1, scratch: lakeFolder() }, GO_ON, act)
}

describe('a text comes out of the engine with every character that it has there', () => {
  it('as a row, as a column and as a piece of one, whatever it begins or ends with', async () => {
    await inEngine((engine) =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.option(anyText()), { minLength: 1, maxLength: 50 }), async (texts) => {
          const values = texts.map((text, i) => `(${i}, ${text === null ? 'NULL' : fromHex(text)})`).join(', ')
          const sql = `SELECT t FROM (VALUES ${values}) v(i, t) ORDER BY i`
          expect((await engine.rows(sql)).map(({ t }) => t)).toEqual(texts)
          expect(await engine.column(sql)).toEqual(texts)
        }),
        { numRuns: 60 },
      ),
    )
  })

  it('in every code point of Unicode', async () => {
    const codes = `SELECT i FROM range(1, 1114112) r(i) WHERE i NOT BETWEEN 55296 AND 57343`
    let wrong = 0
    let seen = 0
    await inEngine(async (engine) => {
      const sql = `SELECT chr(i::INTEGER) || '.' || chr(i::INTEGER) FROM (${codes}) ORDER BY i`
      for await (const piece of engine.columnPieces(sql)) {
        for (const text of piece) {
          seen += 1
          const code = seen < 0xd800 ? seen : seen + 0x800
          if (text !== `${String.fromCodePoint(code)}.${String.fromCodePoint(code)}`) wrong += 1
        }
      }
    })
    expect({ seen, wrong }).toEqual({ seen: 0x110000 - 0x800 - 1, wrong: 0 })
  })

  it('and into it: as rows that are appended, and as a literal of a statement', async () => {
    const texts = fc.sample(anyText(), 300)
    const due = texts.map((text) => Buffer.from(text, 'utf8').toString('hex').toUpperCase())
    await inEngine(async (engine) => {
      await engine.run('CREATE TABLE given (n INTEGER, t VARCHAR)')
      await engine.append(
        'given',
        texts.map((text, i) => [i, text]),
      )
      expect(await engine.column('SELECT hex(t) FROM given ORDER BY n')).toEqual(due)
      expect(await engine.column(`SELECT hex(unnest([${texts.map(sqlString).join(', ')}]))`)).toEqual(due)
    })
  })

  it('and one that UTF-8 cannot say does not get in as another', async () => {
    await inEngine(async (engine) => {
      await engine.run('CREATE TABLE given (t VARCHAR)')
      await expect(engine.append('given', [['a\ud800']])).rejects.toThrow('unpaired surrogate')
    })
    expect(() => sqlString('a\udc00')).toThrow('unpaired surrogate')
    expect(() => sqlIdentifier('\ud800')).toThrow('unpaired surrogate')
  })

  it('inside of lists, structs, maps, arrays and unions, NULLs among them', async () => {
    const mark = fromHex('\ufeffa')
    const cases: [string, DuckDBValue][] = [
      [
        `[${mark}, NULL, ${fromHex('\ufeffa text of more than twelve bytes')}]`,
        listValue(['\ufeffa', null, '\ufeffa text of more than twelve bytes']),
      ],
      [`NULL::VARCHAR[]`, null],
      [`[]::VARCHAR[]`, listValue([])],
      [`[[${mark}], NULL, []]`, listValue([listValue(['\ufeffa']), null, listValue([])])],
      [`{'n': 1, 't': ${mark}, 'l': [${mark}]}`, structValue({ n: 1, t: '\ufeffa', l: listValue(['\ufeffa']) })],
      [`NULL::STRUCT(t VARCHAR)`, null],
      [
        `MAP {${mark}: ${mark}, 'b': NULL}`,
        mapValue([
          { key: '\ufeffa', value: '\ufeffa' },
          { key: 'b', value: null },
        ]),
      ],
      [`[${mark}, NULL]::VARCHAR[2]`, arrayValue(['\ufeffa', null])],
      [`union_value(t := ${mark})::UNION(n INTEGER, t VARCHAR)`, unionValue('t', '\ufeffa')],
      [`union_value(n := 5)::UNION(n INTEGER, t VARCHAR)`, unionValue('n', 5)],
      [`NULL::UNION(n INTEGER, t VARCHAR)`, null],
      [`to_json([${mark}])`, '["\ufeffa"]'],
    ]
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    try {
      for (const [sql, value] of cases) {
        // Three rows, so that no offset is zero by chance.
        const result = await connection.run(`SELECT v FROM (SELECT ${sql} AS v), range(3)`)
        const chunk = await result.fetchChunk()
        expect(chunk && columnValues(chunk, 0), sql).toEqual([value, value, value])
      }
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  })
})
