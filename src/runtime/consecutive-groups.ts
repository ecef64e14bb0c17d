/** Neighbours that are worked on together, as long as all of them fit. */

/** How much a group holds at most. */
export interface GroupBounds {
  /** Sum of the weights. An item of a greater weight is a group by itself. */
  readonly weight: number
  /** Default: any number. */
  readonly items?: number
}

/** The items in their order, each in exactly one group; a group takes as many as its bounds allow. */
export function consecutiveGroups<T>(
  items: readonly T[],
  weightOf: (item: T) => number,
  { weight: most, items: mostItems = Number.POSITIVE_INFINITY }: GroupBounds,
): T[][] {
  const groups: T[][] = []
  let weight = 0
  for (const item of items) {
    const group = groups.at(-1)
    weight += weightOf(item)
    if (group && group.length < mostItems && weight <= most) {
      group.push(item)
    } else {
      groups.push([item])
      weight = weightOf(item)
    }
  }
  return groups
}
