import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Config, configSchema } from '../../src/config/schema.js'
import { Engine } from '../../src/engine/engine.js'
import { InputError } from '../../src/runtime/errors.js'
import { findInputs } from '../../src/star/inputs.js'
import { checkKeys, checkSchemas } from '../../src/star/validate.js'
import { BROKEN_STARS } from './broken-stars.js'
import { writeStar } from './star.js'
import { tinyStar } from './tiny-star.js'

const never = new AbortController().signal

let root: string
let config: Config
let engine: Engine

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'etl3-broken-'))
  config = configSchema.parse({ input: { root } })
  engine = await Engine.open({ memoryLimitMb: 128, threads: 1, scratch: join(root, 'scratch') })
})

afterEach(() => {
  engine.close()
  rmSync(root, { recursive: true, force: true })
})

async function check(): Promise<void> {
  const tables = await checkSchemas(await findInputs(config, never), engine)
  await checkKeys(tables, config.input.duplicates, engine)
}

async function errorOfCheck(): Promise<unknown> {
  return await check().then(
    () => undefined,
    (error: unknown) => error,
  )
}

const foundByInputs = BROKEN_STARS.filter(({ foundBy }) => foundBy === 'inputs')
const foundLater = BROKEN_STARS.filter(({ foundBy }) => foundBy !== 'inputs' && foundBy !== 'staging')

describe('the check of the inputs', () => {
  it('takes the star that all broken ones are made from', async () => {
    await writeStar(root, tinyStar())
    await expect(check()).resolves.toBeUndefined()
  })

  it.each(foundByInputs.map((star) => [star.what, star] as const))('refuses %s', async (_, star) => {
    await star.write(root)
    const error = await errorOfCheck()
    expect(error).toBeInstanceOf(InputError)
    if (!(error instanceof InputError)) return
    for (const words of star.mentions) expect(error.message).toContain(words)
    // A sentence: it says what to do.
    expect(error.hint).toMatch(/^\S.+\S\.$/s)
    expect(error.exitCode).toBe(star.exitCode)
  })

  it.each(foundLater.map((star) => [star.what, star] as const))('leaves to others: %s', async (_, star) => {
    await star.write(root)
    await expect(check()).resolves.toBeUndefined()
  })
})
