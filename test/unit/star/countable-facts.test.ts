import { expect, it } from 'vitest'
import { requireCountable } from '../../../src/star/validate.js'

const files = (...rows: number[]): { schema: { rows: number } }[] => rows.map((count) => ({ schema: { rows: count } }))

it('as many facts are taken as there are numbers of 32 bits, and the next one is refused before anything is staged', () => {
  expect(() => requireCountable(files(2_147_483_647))).not.toThrow()
  expect(() => requireCountable(files(2_147_483_647, 1))).toThrow(
    expect.objectContaining({
      code: 'ETL3-IN-13',
      exitCode: 2,
      message: 'fact_rate holds 2,147,483,648 rows, and a run takes at most 2,147,483,647',
      hint: expect.stringContaining('output.uri'),
    }),
  )
})
