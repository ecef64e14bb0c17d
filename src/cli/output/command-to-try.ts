/** Commands that a text proposes, as a shell takes them. */
import type { ResolvedConfig } from '../../config/load.js'

/** A command with the flags that lead it to the configuration of this run. */
export function commandToTry(
  name: string,
  { file, environment }: Pick<ResolvedConfig, 'file' | 'environment'>,
): string {
  return [
    `npx etl3 ${name}`,
    ...(file === undefined || file === 'config/etl3.yaml' ? [] : [`--config ${shellWord(file)}`]),
    ...(environment === undefined ? [] : [`--environment ${shellWord(environment)}`]),
  ].join(' ')
}

/** A word of a shell's command line. */
export function shellWord(text: string): string {
  if (/^[\w./:=@-]+$/.test(text)) return text
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`
}
