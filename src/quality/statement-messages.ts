/** What a run and the process that runs its statements say to each other. */
import { z } from 'zod'

const text = z.string()

/** Local paths of the staged files that statements read. */
export const sandboxPathsSchema = z.object({
  facts: text,
  attrs: text,
  codes: text,
  groups: text,
  npis: text,
  members: text,
  cells: text,
  benchmarks: text,
})

/** The first question: over which files, and within what. */
export const openingSchema = z.object({
  paths: sandboxPathsSchema,
  /** DuckDB's own limit in MB. */
  engineMb: z.number(),
  /** Resident memory beyond which the process ends itself, in MB. */
  residentMb: z.number(),
  /** Folder for spill files. */
  spill: text,
})

/** Every other question: a statement. */
export const statementSchema = z.object({
  sql: text,
  /** Whether the facts are wanted that it returns, or how many rows it returns. */
  listsFacts: z.boolean(),
})

/** An answer to each. */
export const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened') }),
  z.object({
    kind: z.literal('found'),
    failed: z.number(),
    examples: z.array(text),
    /** One bit a fact, lowest first. */
    marks: z.instanceof(Uint8Array),
    /** The most that the process has had resident. */
    peakBytes: z.number(),
  }),
  /** The statement may not run: why. */
  z.object({ kind: z.literal('refused'), why: text }),
  /** The statement ran out of memory, or of disk to spill to: in the engine's words. */
  z.object({ kind: z.enum(['memory', 'disk', 'failed']), message: text }),
])

/** Local paths of the staged files that statements read. */
export type SandboxPaths = Readonly<z.infer<typeof sandboxPathsSchema>>
export type Opening = z.infer<typeof openingSchema>
export type Statement = z.infer<typeof statementSchema>
export type Answer = z.infer<typeof answerSchema>
