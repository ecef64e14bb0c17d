/** Fits a cost to runs: a sum of products, none of which is negative, by least squares of the relative error. */

/** A run as a fit sees it. */
export interface Observation {
  /** What the cost may grow with, by name; all runs have the same names. */
  readonly of: Readonly<Record<string, number>>
  readonly cost: number
}

/** What was fitted. */
export interface Fit {
  /** Cost of one of each; 0 of what does not add to it. */
  readonly each: Readonly<Record<string, number>>
  /** Relative error of each observation, each predicted from all others: what one may expect of a run that was not measured. */
  readonly leftOut: readonly number[]
}

/** Fits a cost. @throws Error with fewer observations than names */
export function fitCost(observations: readonly Observation[]): Fit {
  const leftOut = observations.map((left, i) => {
    const each = nonNegative(observations.filter((_, other) => other !== i))
    return Math.abs(predict(each, left.of) / left.cost - 1)
  })
  return { each: nonNegative(observations), leftOut }
}

/** The cost that a fit foresees. */
export function predict(each: Fit['each'], of: Observation['of']): number {
  return Object.entries(each).reduce((sum, [name, cost]) => sum + cost * (of[name] ?? 0), 0)
}

/** Leaves out the name with the most negative cost, again and again, until there is none. */
function nonNegative(observations: readonly Observation[]): Fit['each'] {
  const all = Object.keys(observations[0]?.of ?? {})
  let names = all
  for (;;) {
    const costs = leastSquares(observations, names)
    const lowest = Math.min(...costs)
    if (lowest >= 0) return Object.fromEntries(all.map((name) => [name, costs[names.indexOf(name)] ?? 0]))
    names = names.filter((_, i) => i !== costs.indexOf(lowest))
  }
}

/** Solves the normal equations of the relative error: each run's row is divided by its cost. */
function leastSquares(observations: readonly Observation[], names: readonly string[]): readonly number[] {
  if (observations.length < names.length) throw new Error('there are fewer runs than there are costs to be found')
  const rows = observations.map(({ of, cost }) => names.map((name) => (of[name] ?? 0) / cost))
  const matrix = names.map((_, i) => [
    ...names.map((_, j) => rows.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0)),
    rows.reduce((sum, row) => sum + (row[i] ?? 0), 0),
  ])
  return solve(matrix)
}

/** Gauss–Jordan with pivots. @param matrix the square part, and the right side as the last column; overwritten */
function solve(matrix: number[][]): readonly number[] {
  const size = matrix.length
  for (let column = 0; column < size; column++) {
    const rest = matrix.slice(column)
    const pivot = rest.reduce((best, row) => (Math.abs(row[column] ?? 0) > Math.abs(best[column] ?? 0) ? row : best))
    matrix.splice(matrix.indexOf(pivot), 1)
    matrix.splice(
      column,
      0,
      pivot.map((value) => value / (pivot[column] ?? Number.NaN)),
    )
    for (const [i, row] of matrix.entries()) {
      if (i === column) continue
      const factor = row[column] ?? 0
      matrix[i] = row.map((value, j) => value - factor * (matrix[column]?.[j] ?? 0))
    }
  }
  return matrix.map((row) => row[size] ?? Number.NaN)
}
