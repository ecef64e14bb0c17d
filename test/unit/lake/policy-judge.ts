/** Judges requests by a policy, as IAM does: what no statement allows is denied. */
import type { IamPolicy } from '../../../src/lake/iam-policy.js'

/** What is asked of AWS, in IAM's words. */
export interface AskedOfAws {
  /** `s3:GetObject` */
  readonly action: string
  /** ARN */
  readonly resource: string
  /** Condition key `s3:prefix`; undefined where the request has none. */
  readonly prefix?: string | undefined
}

/** Whether a statement allows it. @throws Error for a condition that the judge does not know */
export function allows(policy: IamPolicy, { action, resource, prefix }: AskedOfAws): boolean {
  return policy.Statement.some(({ Action, Resource, Condition }) => {
    if (!Action.includes(action) || !Resource.some((pattern) => matches(pattern, resource))) return false
    if (Condition === undefined) return true
    const { StringLike, ...others } = Condition
    const { 's3:prefix': prefixes, ...keys } = StringLike ?? {}
    if (Object.keys({ ...others, ...keys }).length > 0) throw new Error(`not known: ${JSON.stringify(Condition)}`)
    // A key that the request lacks matches nothing.
    return prefix !== undefined && [prefixes ?? []].flat().some((pattern) => matches(pattern, prefix))
  })
}

/** `*` stands for anything, `?` for one sign, `${*}` for a star. */
function matches(pattern: string, value: string): boolean {
  const source = pattern.replace(/\$\{[*?$]\}|[\\^$.*+?()[\]{}|]/g, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    return `\\${part.length === 1 ? part : part.charAt(2)}`
  })
  return new RegExp(`^${source}$`, 's').test(value)
}
