/** Where a value of the configuration comes from. */

/** A place in a text file; both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Where a value comes from. */
export type Origin =
  | { readonly kind: 'default' }
  | ({ readonly kind: 'file'; readonly file: string } & Place)
  | ({ readonly kind: 'environment'; readonly file: string; readonly name: string } & Place)
  | { readonly kind: 'variable'; readonly name: string }
  /** `overrides` of the workflow's input. */
  | { readonly kind: 'override' }
  | { readonly kind: 'flag'; readonly name: string }

/** An origin in words, for `config show`. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return placeText(origin.file, origin)
    case 'environment':
      return `${placeText(origin.file, origin)} (environment ${origin.name})`
    case 'variable':
      return origin.name
    case 'override':
      return 'overrides of the workflow input'
    case 'flag':
      return origin.name
  }
}

/** `config/etl3.yaml:12:3`, as editors and terminals link it. */
export function placeText(file: string, place: Place): string {
  return `${file}:${place.line}:${place.column}`
}
