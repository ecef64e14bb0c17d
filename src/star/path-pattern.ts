/** Patterns over paths, as input places may hold them: `*`, `?`, `[ab]`, `[!ab]`, `**`. */

/** A whole part of a path that stands for any number of folders. */
export const ANY_FOLDERS = '**'

/** `*` and `?` stay within a folder, `**` does not; `[ab]` is one of its characters, `[!ab]` any other one. */
export function patternOf(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|\*|\?|\[!?[^\]/]+\]|[^*?[]+|\[/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 2 && part.startsWith('[')) {
      const negated = part[1] === '!'
      return `[${negated ? '^/' : ''}${part.slice(negated ? 2 : 1, -1).replace(/[\\\]^]/g, '\\$&')}]`
    }
    return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 'su')
}
