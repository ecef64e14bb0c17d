/** The figures that ETL3 is measured by: what each is, what it must be, what we aim for. */

/** A figure of the table. */
export interface Figure {
  readonly id: string
  readonly what: string
  /** Which side of the mark is good. */
  readonly better: 'lower' | 'higher'
  /** Unset: the figure is told, not judged. */
  readonly must?: number
  readonly aim?: number
}

/** In the order of the table. Ratios, but for peaks of memory. */
export const FIGURES: readonly Figure[] = [
  { id: 'run', what: 'whole `run` ÷ COPY to one file', better: 'lower', must: 2.5, aim: 1 },
  { id: 'write', what: 'encode, write and publish alone ÷ the same COPY', better: 'lower', must: 1.2, aim: 0.6 },
  {
    id: 'rate',
    what: 'rows/s of encode, write and publish, without staging and audit ÷ rows/s of COPY to one file with its join, generated star',
    better: 'higher',
    must: 2,
    aim: 4,
  },
  { id: 'rateRun', what: 'rows/s of the whole `run` ÷ rows/s of COPY, generated star', better: 'higher' },
  { id: 'two', what: 'two workers ÷ one worker, wall time of the run', better: 'lower', must: 0.7, aim: 0.55 },
  { id: 'twoLarge', what: 'two workers ÷ one worker, generated star', better: 'lower', must: 0.7, aim: 0.55 },
  { id: 'noop', what: 'run with nothing to do ÷ first run', better: 'lower', must: 0.1, aim: 0.03 },
  { id: 'noopCommand', what: 'the same, whole command with server and worker', better: 'lower', must: 0.1, aim: 0.03 },
  { id: 'oneGroup', what: 'run after one group changed ÷ first run', better: 'lower' },
  { id: 'temporal', what: "Temporal's share of the wall time", better: 'lower', must: 0.05, aim: 0.02 },
  { id: 'peak', what: 'peak resident memory of the worker, MB, limit 512 MB', better: 'lower', must: 512 },
  { id: 'peakLargeMb', what: 'peak on the generated star, MB, limit 512 MB', better: 'lower', must: 512 },
  { id: 'peakLarge', what: 'peak on the generated star ÷ peak on the star', better: 'lower', must: 1.15 },
  { id: 'peakTwo', what: 'peak of two workers together, MB, limit 1,024 MB', better: 'lower', must: 1024 },
  { id: 'files', what: '1,000,000 facts in 10,000 files ÷ in one file, wall time of the run', better: 'lower' },
  { id: 'filesPeak', what: 'peak of memory, 10,000 files ÷ one file', better: 'lower' },
  { id: 'partitionsPeak', what: 'peak with very many partitions, MB, limit 512 MB', better: 'lower', must: 512 },
  { id: 'partitionsPeakChanged', what: 'the same after ten facts changed, MB', better: 'lower', must: 512 },
  { id: 'partitionsNoop', what: 'very many partitions, nothing to do ÷ first run', better: 'lower', must: 0.1 },
  { id: 'partitionsChanged', what: 'very many partitions, ten facts changed ÷ first run', better: 'lower' },
  {
    id: 'bytes',
    what: 'bytes written ÷ DuckDB, one file per partition, snappy; the same in every run',
    better: 'lower',
    must: 1,
  },
]

/** What the repeated measurement of a figure gave. */
export interface Measured {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
}

/** Median, smallest and largest of at least one value. */
export function measured(values: readonly number[]): Measured {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const at = (i: number): number => sorted[i] ?? Number.NaN
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
    runs: sorted.length,
  }
}

/** Whether a median is on the good side of a mark. */
export function reaches(figure: Figure, median: number, mark: number): boolean {
  return figure.better === 'lower' ? median <= mark : median >= mark
}
