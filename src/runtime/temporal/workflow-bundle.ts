/** The workflow's code as the worker loads it: bundled once at build, because bundling costs 100 MB and a second. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { bundleWorkflowCode, type Logger } from '@temporalio/worker'
import { UnavailableError } from '../errors.js'
import { built } from '../package-root.js'

const BUNDLE_FILE = 'workflow-bundle.js'

/** Bundles the workflows of a module into one file. */
export async function writeWorkflowBundle(options: {
  readonly workflowsPath: string
  readonly target: string
  readonly logger?: Logger
}): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: options.workflowsPath,
    ...(options.logger ? { logger: options.logger } : {}),
  })
  await writeFile(options.target, code)
}

/**
 * The bundle that the build left.
 * @throws UnavailableError ETL3-RT-02 when ETL3 is not built
 */
export function builtWorkflowBundle(): { readonly codePath: string } {
  const codePath = built(BUNDLE_FILE)
  if (!existsSync(codePath)) {
    throw new UnavailableError('ETL3-RT-02', `there is no workflow bundle [file=${codePath}]`, {
      hint: 'Build ETL3 first: npm run build.',
    })
  }
  return { codePath }
}
