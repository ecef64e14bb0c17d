/** Completion scripts for shells, from the tree of commands. */
import type { Command, Option } from 'commander'

/** Shells that a script can be written for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** A shell that a script can be written for. */
export type Shell = (typeof SHELLS)[number]

/** One flag as a shell needs to know it. */
interface Flag {
  readonly short: string | undefined
  readonly long: string
  readonly description: string
  /** What stands after it: nothing, one of some words, a path, or any text. */
  readonly value: 'none' | 'words' | 'path' | 'text'
  readonly words: readonly string[]
}

/** One command: `['config', 'show']`, or `[]` for the program itself. */
interface Node {
  readonly path: readonly string[]
  readonly flags: readonly Flag[]
  readonly commands: readonly { readonly name: string; readonly summary: string }[]
  /** Words that its first argument can be. */
  readonly words: readonly string[]
}

const PATH_PLACEHOLDER = /<(file|place|folder)>/
/** `<full|sample>` */
const WORDS_PLACEHOLDER = /<([\w-]+(?:\|[\w-]+)+)>/

/** The script for a shell. The commands are those below `program`. */
export function completionScript(shell: Shell, program: Command): string {
  const nodes = nodesOf(program, [])
  switch (shell) {
    case 'bash':
      return bashScript(nodes)
    case 'zsh':
      return zshScript(nodes)
    case 'fish':
      return fishScript(nodes)
  }
}

function nodesOf(command: Command, path: readonly string[]): Node[] {
  const help: Flag = { short: '-h', long: '--help', description: 'print help', value: 'none', words: [] }
  const node: Node = {
    path,
    flags: [...command.options.filter(({ hidden }) => !hidden).map(flagOf), help].filter((flag) => flag.long !== ''),
    commands: command.commands.map((child) => ({
      name: child.name(),
      summary: child.summary() || child.description(),
    })),
    words: command.registeredArguments[0]?.argChoices ?? [],
  }
  return [node, ...command.commands.flatMap((child) => nodesOf(child, [...path, child.name()]))]
}

function flagOf({ short, long, description, required, optional, argChoices, flags }: Option): Flag {
  // Choices that the configuration checks stand in the placeholder alone, because its errors name key and origin.
  const words = argChoices ?? WORDS_PLACEHOLDER.exec(flags)?.[1]?.split('|') ?? []
  const value =
    !required && !optional ? 'none' : words.length > 0 ? 'words' : PATH_PLACEHOLDER.test(flags) ? 'path' : 'text'
  // An optional value is no value to a shell: what follows may be the next flag.
  return { short, long: long ?? '', description, value: optional ? 'none' : value, words }
}

const HEAD = "# Completion of etl3, written by 'etl3 completion'. Write it anew after an update."

function bashScript(nodes: readonly Node[]): string {
  const names = (node: Node): string[] => node.flags.flatMap(({ short, long }) => [...(short ? [short] : []), long])
  const cases = nodes.map((node) => {
    const values = node.flags.filter(({ value }) => value !== 'none')
    const byValue = values.map(({ short, long, value, words }) => {
      const pattern = [...(short ? [short] : []), long].join('|')
      const reply =
        value === 'words'
          ? `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$current"))`
          : value === 'path'
            ? 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current"))'
            : 'COMPREPLY=()'
      return `        ${pattern}) ${reply}; return ;;`
    })
    const words = [...node.commands.map(({ name }) => name), ...node.words]
    return [
      `    ${quoted(node.path.join(' '))})`,
      ...(byValue.length === 0 ? [] : ['      case "$previous" in', ...byValue, '      esac']),
      `      if [[ $current == -* ]]; then COMPREPLY=($(compgen -W ${quoted(names(node).join(' '))} -- "$current"))`,
      `      else COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$current")); fi ;;`,
    ].join('\n')
  })
  const known = nodes.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')))
  return `${HEAD}
_etl3() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${command:+$command }$word" in
      ${known.join(' | ')}) command="\${command:+$command }$word" ;;
    esac
  done
  case "$command" in
${cases.join('\n')}
  esac
}
complete -F _etl3 etl3
`
}

function zshScript(nodes: readonly Node[]): string {
  const functions = nodes.map((node) => {
    const specs = node.flags.map(zshSpec)
    const lines = [`${zshName(node.path)}() {`]
    if (node.commands.length > 0) {
      lines.push(
        '  local context state line curcontext="$curcontext"',
        '  local -a commands',
        `  _arguments -C ${specs.join(' ')} '1: :->command' '*:: :->rest'`,
        '  case $state in',
        '    command)',
        `      commands=(${node.commands.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})`,
        "      _describe -t commands 'command' commands ;;",
        '    rest)',
        '      case $words[1] in',
        ...node.commands.map(({ name }) => `        ${name}) ${zshName([...node.path, name])} ;;`),
        '      esac ;;',
        '  esac',
      )
    } else {
      const words = node.words.length === 0 ? [] : [quoted(`1:word:(${node.words.join(' ')})`)]
      lines.push(`  _arguments ${[...specs, ...words].join(' \\\n    ')}`)
    }
    return [...lines, '}'].join('\n')
  })
  return `#compdef etl3
${HEAD}
${functions.join('\n')}
if [[ $funcstack[1] == _etl3 ]]; then _etl3 "$@"; else compdef _etl3 etl3; fi
`
}

function zshName(path: readonly string[]): string {
  return ['_etl3', ...path].join('_').replaceAll('-', '_')
}

function zshSpec({ short, long, description, value, words }: Flag): string {
  const text = description.replace(/[[\]\\:]/g, '\\$&')
  const after =
    value === 'none'
      ? ''
      : value === 'words'
        ? `:value:(${words.join(' ')})`
        : value === 'path'
          ? ':path:_files'
          : ':value:'
  const spec = quoted(`[${text}]${after}`)
  return short ? `'(${short} ${long})'{${short},${long}}${spec}` : `${quoted(long)}${spec}`
}

function fishScript(nodes: readonly Node[]): string {
  const lines: string[] = []
  for (const node of nodes) {
    const names = node.commands.map(({ name }) => name)
    const seen = node.path.map((word) => `__fish_seen_subcommand_from ${word}`)
    const own = [...seen, ...(names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(' ')}`])].join(
      '; and ',
    )
    const here = own === '' ? '' : ` -n ${quoted(own)}`
    for (const { name, summary } of node.commands)
      lines.push(`complete -c etl3${here} -a ${name} -d ${quoted(summary)}`)
    for (const word of node.words) lines.push(`complete -c etl3${here} -a ${word}`)
    for (const { short, long, description, value, words } of node.flags) {
      const after =
        value === 'none'
          ? ''
          : value === 'words'
            ? ` -x -a ${quoted(words.join(' '))}`
            : value === 'path'
              ? ' -r -F'
              : ' -x'
      lines.push(
        `complete -c etl3${here}${short ? ` -s ${short.slice(1)}` : ''} -l ${long.slice(2)}${after} -d ${quoted(description)}`,
      )
    }
  }
  return `${HEAD}\ncomplete -c etl3 -f\n${lines.join('\n')}\n`
}

/** A word in single quotes, as all three shells read it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
