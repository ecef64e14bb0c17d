/** The number of the input file that a fact comes from, by the order of the files. */
import type { Engine } from '../engine/engine.js'

/** Column with that number, where facts come from several files. No input has a column of this name. */
export const FILE_NUMBER = 'etl3_file_no'

/** Whether a SELECT has the numbers. Facts of one file have none, nor have those that an earlier version has staged. */
export async function hasFileNumbers(engine: Engine, select: string): Promise<boolean> {
  return (await engine.column(`SELECT column_name FROM (DESCRIBE ${select})`)).includes(FILE_NUMBER)
}
