import { homedir } from 'node:os'
import { basename, dirname } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheRoot, stateFolder, stateRoot } from '../../../src/runtime/state-folder.js'

describe('the state folder', () => {
  it('is ETL3_STATE_DIR, else in XDG_STATE_HOME, else in the home folder', () => {
    expect(stateRoot({ ETL3_STATE_DIR: '/s', XDG_STATE_HOME: '/x' })).toBe('/s')
    expect(stateRoot({ XDG_STATE_HOME: '/x' })).toBe('/x/etl3')
    expect(stateRoot({ XDG_STATE_HOME: 'relative' })).toBe(`${homedir()}/.local/state/etl3`)
    expect(stateRoot({})).toBe(`${homedir()}/.local/state/etl3`)
    expect(cacheRoot({})).toBe(`${homedir()}/.cache/etl3`)
  })

  it('has one folder for each workflow id, right below state/, whatever the id holds', () => {
    const env = { ETL3_STATE_DIR: '/s' }
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const folder = stateFolder(a, env)
        expect(dirname(folder)).toBe('/s/state')
        expect(basename(folder)).toMatch(/^[a-z0-9][a-z0-9._-]{0,79}$/)
        expect(folder === stateFolder(b, env)).toBe(a === b)
      }),
    )
  })

  it('keeps ids apart that differ only in case or in escaped characters', () => {
    const env = { ETL3_STATE_DIR: '/s' }
    const folders = ['etl3:a', 'etl3-a', 'ETL3-a', 'etl3/a', '../a'].map((id) => stateFolder(id, env))
    expect(new Set(folders).size).toBe(folders.length)
  })
})
