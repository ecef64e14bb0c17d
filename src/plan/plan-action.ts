/** What happens to a partition: written anew, written over, left as it is, deleted. */
export type PlanAction = 'add' | 'replace' | 'keep' | 'remove'
