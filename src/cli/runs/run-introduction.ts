/** What Temporal's Web UI says of a run from its first moment on, to somebody who sees one for the first time. */
import type { ResolvedConfig } from '../../config/load.js'
import type { RunMode } from '../../contract/messages.js'
import { markdownCode } from '../../runtime/markdown-text.js'
import { maskUserinfo } from '../../runtime/secrets.js'

const PURPOSES: Readonly<Record<RunMode, string>> = {
  run: 'reads the star schema of negotiated rates, writes one enriched table, and publishes it once every partition was compared with the plan.',
  validate: 'checks the star schema of negotiated rates, up to the quality gate. The table is not touched.',
  plan: 'computes which partitions a run would write. The table is not touched.',
}

/** Title and description of a run: one line, and a page in Markdown. */
export interface RunIntroduction {
  readonly summary: string
  readonly details: string
}

/** The introduction of a run of a configuration. */
export function introductionOf({ config }: Pick<ResolvedConfig, 'config'>, mode: RunMode): RunIntroduction {
  const place = (uri: string): string => `\`${markdownCode(maskUserinfo(uri))}\``
  return {
    summary: `${mode}: ${config.output.uri}`,
    details: [
      `ETL3 ${PURPOSES[mode]}`,
      [
        `- input: ${place(config.input.root)}`,
        `- table: \`${markdownCode(`${config.athena.database}.${config.athena.table}`)}\` in ${place(config.output.uri)}`,
        `- records and reports: ${place(config.output.metadata_uri)}`,
      ].join('\n'),
      '*Current Details* says where the run stands and what it gave. The *Timeline* has one line per step.',
    ].join('\n\n'),
  }
}
