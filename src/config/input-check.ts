/** The input of a workflow, which anybody may write by hand: whatever it does not know is a mistake, and not left out. */
import { z } from 'zod'
import { ConfigError } from '../runtime/errors.js'
import { didYouMean } from './did-you-mean.js'

const inputSchema = z.strictObject({
  config: z.string().optional(),
  environment: z.string().optional(),
  outputUri: z.string().optional(),
  mode: z.enum(['run', 'validate', 'plan']).optional(),
  overrides: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
})

/** The input of a workflow, once it was checked. */
export type CheckedInput = z.output<typeof inputSchema>

/**
 * Checks the input of a workflow.
 * @throws ConfigError ETL3-CF-16 naming every key that is not known, with what was most likely meant, and every wrong value
 */
export function checkInput(input: unknown): CheckedInput {
  const { data, error } = inputSchema.safeParse(input)
  if (data !== undefined) return data
  const problems = error?.issues.flatMap((issue) => problemsIn(issue, input)) ?? []
  throw new ConfigError('ETL3-CF-16', `the input of the workflow is wrong: ${problems.join('; ')}`, {
    hint: `It takes ${Object.keys(inputSchema.shape).join(', ')}; other settings go into overrides, by their dotted keys.`,
  })
}

function problemsIn(issue: z.core.$ZodIssue, input: unknown): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknownKey)
  const path = issue.path.map(String)
  if (path.length === 0) return [`it is ${shown(input)}, expected a map of keys and values`]
  const value = path.reduce<unknown>(memberOf, input)
  const meant = issue.code === 'invalid_value' && typeof value === 'string' ? issue.values.map(String) : []
  const suggestion = typeof value === 'string' ? didYouMean(value, meant) : undefined
  const expected = meant.length > 0 ? `, expected one of ${meant.join(', ')}` : ', which is of the wrong form'
  return [`${path.join('.')} is ${shown(value)}${expected}${asked(suggestion)}`]
}

function unknownKey(name: string): string {
  return `there is no key ${JSON.stringify(name)}${asked(didYouMean(name, Object.keys(inputSchema.shape)))}`
}

function asked(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([own]) => own === name)?.[1]
}

const LONGEST_SHOWN = 60

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
}
