/** The staged star of the run that this worker works on: read once, given up under memory pressure or for another run. */

import { type Engine, readParquet } from '../engine/engine.js'
import { loadQuarantined } from '../star/fact-window.js'
import type { StagedPaths } from '../star/staged-files.js'
import { type Block, loadBlock, loadStagedStar, type StagedStar } from '../star/staged-star.js'

/** What units share. */
export interface LoadedStar {
  readonly star: StagedStar
  readonly quarantined: Uint8Array
}

/** Holds one star, one block and nothing else. */
export class StarCache {
  #runId: string | undefined
  #loaded: LoadedStar | undefined
  #block: Block | undefined

  /** The fact side of a run's star. */
  async star(runId: string, paths: StagedPaths, engine: Engine): Promise<LoadedStar> {
    if (this.#runId !== runId) this.clear()
    this.#runId = runId
    this.#loaded ??= { star: await loadStagedStar(engine, paths), quarantined: await loadQuarantined(engine, paths) }
    return this.#loaded
  }

  /** Number of blocks of a star. */
  async blocks(paths: StagedPaths, engine: Engine): Promise<number> {
    return await engine.count(`SELECT max(block) + 1 FROM ${readParquet([paths.cells])}`)
  }

  /** One block of the star that was asked for last. */
  async block(loaded: LoadedStar, block: number, engine: Engine): Promise<Block> {
    if (this.#block?.block === block) return this.#block
    this.#block = undefined
    this.#block = await loadBlock(engine, loaded.star, block)
    return this.#block
  }

  /** Gives everything up; it is read again when it is needed. */
  clear(): void {
    this.#runId = undefined
    this.#loaded = undefined
    this.#block = undefined
  }
}
