/** What must not be shown: in `config show`, in logs, in messages. */

const SECRET_KEY = /secret|token|password|key_?id|credential|private_?key|authorization/i
const USERINFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi

/** What stands where a secret was. */
export const MASK = '***'

/** Whether a value under this key must not be shown. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key)
}

/** The text with the user and password of every URI in it masked: `https://***@host/`. */
export function maskUserinfo(text: string): string {
  return text.replace(USERINFO, `$1${MASK}@`)
}

/** A copy of the fields with secrets masked: values under secret keys at any depth, and userinfo in URIs. */
export function maskSecrets(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return maskedFields(fields, new Set())
}

function maskedFields(fields: object, above: Set<object>): Record<string, unknown> {
  above.add(fields)
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    copy[key] = isSecretKey(key) && value !== undefined ? MASK : masked(value, above)
  }
  above.delete(fields)
  return copy
}

function masked(value: unknown, above: Set<object>): unknown {
  if (typeof value === 'string') return maskUserinfo(value)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (above.has(value)) return '[circular]'
  if (!Array.isArray(value)) return maskedFields(value, above)
  above.add(value)
  const copy: unknown[] = value.map((item: unknown) => masked(item, above))
  above.delete(value)
  return copy
}
