/** `etl3 config show` and `etl3 config schema`. */
import type { Command } from 'commander'
import type { ResolvedConfig } from '../config/load.js'
import { plainText } from '../runtime/plain-text.js'
import { isSecretKey, MASK, maskUserinfo } from '../runtime/secrets.js'
import type { CliShell } from './shell.js'

/** Adds `etl3 config`. */
export function registerConfig(program: Command, shell: CliShell): void {
  const config = program.command('config').summary('show the configuration').description('Shows the configuration.')

  const show = shell.command(config, {
    name: 'show',
    summary: 'each value, and where it comes from',
    description:
      'Prints each value of the configuration and where it comes from: a flag, an ETL3_* variable, an environment section,\nthe file, or the default. Secrets are masked.',
    examples: [
      { call: 'etl3 config show', purpose: 'which values count, and why' },
      { call: 'etl3 config show --environment production', purpose: 'with a section of the file' },
    ],
  })
  shell.configOptions(show)
  shell.action(show, async (call) => {
    const resolved = await call.loadConfig()
    const values = await shownValues(resolved)
    call.result({ file: resolved.file ?? null, environment: resolved.environment ?? null, values }, () =>
      showText(values, (text) => call.palette.dim(text)),
    )
  })

  const schema = shell.command(config, {
    name: 'schema',
    summary: 'the JSON Schema of the configuration file',
    description: 'Prints the JSON Schema of the configuration file, for editors and checks.',
    examples: [{ call: 'etl3 config schema > config/etl3.schema.json', purpose: 'the file that editors read' }],
  })
  shell.action(schema, async (call) => {
    const { jsonSchemaText } = await import('../config/json-schema.js')
    call.io.stdout.write(jsonSchemaText())
  })
}

/** A value as `config show` prints it. */
interface ShownValue {
  readonly key: string
  /** As JSON holds it; {@link MASK} for a secret. */
  readonly value: unknown
  readonly origin: string
}

/** Each value with its origin, secrets masked. */
async function shownValues({ config, origins }: ResolvedConfig): Promise<ShownValue[]> {
  const [{ valueAt }, { originText }] = await Promise.all([import('../config/load.js'), import('../config/origins.js')])
  return [...origins].map(([key, origin]) => ({
    key,
    value: isSecretKey(key) ? MASK : masked(valueAt(config, key)),
    origin: originText(origin),
  }))
}

function masked(value: unknown): unknown {
  if (typeof value === 'string') return maskUserinfo(value)
  return Array.isArray(value) ? value.map(masked) : value
}

function showText(values: readonly ShownValue[], dim: (text: string) => string): string {
  const texts = values.map(({ key, value, origin }) => ({
    key,
    value: plainText(Array.isArray(value) ? value.join(', ') : String(value)),
    origin: plainText(origin),
  }))
  const keyColumns = Math.max(...texts.map(({ key }) => key.length))
  return texts.map(({ key, value, origin }) => `${key.padEnd(keyColumns)}  ${value}  ${dim(`(${origin})`)}`).join('\n')
}
