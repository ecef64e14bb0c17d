/** Texts of the configuration that cannot be said outside of it: in a file, a path, a statement. */
import { isWellFormed } from '../runtime/well-formed.js'
import { isMap } from './tree.js'

/** Where such a text stands, and what is wrong with it. */
export interface UnsayableText {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Finds texts with a NUL, which ends a path and a statement, or with half of a surrogate pair, which UTF-8 has no form for. */
export function* unsayableTexts(value: unknown, path: readonly (string | number)[] = []): Generator<UnsayableText> {
  if (typeof value === 'string') {
    if (value.includes('\0')) yield { path, message: 'the text holds a NUL' }
    else if (!isWellFormed(value)) yield { path, message: 'the text holds an unpaired surrogate' }
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* unsayableTexts(item, [...path, i])
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) yield* unsayableTexts(item, [...path, key])
  }
}
