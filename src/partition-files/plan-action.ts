/** What happens to a partition: written anew, written over, left as it is, deleted. */
export type PlanAction = 'add' | 'replace' | 'keep' | 'remove'

/** An action as a plan has it. @throws Error for any other value */
export function planAction(value: unknown): PlanAction {
  if (value === 'add' || value === 'replace' || value === 'keep' || value === 'remove') return value
  throw new Error(`a plan has no action '${String(value)}'`)
}
