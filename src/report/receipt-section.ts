/** The receipt: what went in, how, and what came out, in checksums. */
import { bytesText, countText } from '../runtime/figures.js'
import { html, type Markup } from './html.js'
import { details, table } from './page-parts.js'
import type { RunReport } from './run-report.js'

/** The section's content. */
export function receiptSection(report: RunReport): Markup {
  const { result, inputs, versions } = report
  const facts: readonly (readonly [string, string])[] = [
    ['facts read', countText(result.facts)],
    ['facts set aside', countText(result.quarantined)],
    ['facts written', countText(result.facts - result.quarantined)],
    ['rows', countText(result.rows)],
    ...inputAudited(report),
    ['work (digest of input, configuration and versions)', report.work],
    ['run', result.runId],
    ['replaces', report.previous?.runId ?? 'nothing'],
    ['started', report.startedAt],
    ['finished', report.finishedAt],
    ['ETL3', `${versions.etl3}, encoding ${versions.encoding}`],
    ['table', result.outputUri],
    ['catalog', result.catalogUri],
    ['receipt', result.receiptUri],
  ]
  const leftOut = report.audit?.input?.leftOutFirst ?? []
  const files = inputs.flatMap((input) => input.files.map((file) => ({ ...file, table: input.name })))
  return html`${table({
    caption: 'The run',
    columns: [{ name: 'what' }, { name: 'value', kind: 'long' }],
    rows: facts.map(([what, value]) => [what, html`<code>${value}</code>`]),
  })}${details(
    `Input files (${countText(files.length)})`,
    html`${table({
      caption: 'Input files and their SHA-256',
      columns: [
        { name: 'table' },
        { name: 'file', kind: 'long' },
        { name: 'size', kind: 'number' },
        { name: 'SHA-256', kind: 'long' },
      ],
      rows: files.map((f) => [
        f.table,
        html`<code>${f.path}</code>`,
        bytesText(f.bytes),
        html`<code>${f.sha256}</code>`,
      ]),
    })}${table({
      caption: 'What the checks of the input found',
      columns: [
        { name: 'table' },
        { name: 'rows', kind: 'number' },
        { name: 'equal duplicates', kind: 'number' },
        { name: 'differing keys', kind: 'number' },
        { name: 'NULL keys', kind: 'number' },
        { name: 'missing optional columns', kind: 'long' },
        { name: 'other columns', kind: 'long' },
      ],
      rows: inputs.map((t) => [
        t.name,
        countText(t.rows ?? 0),
        countText(t.equalDuplicates ?? 0),
        countText(t.differingKeys ?? 0),
        countText(t.nullKeys ?? 0),
        (t.missingOptional ?? []).join(', '),
        (t.extra ?? []).join(', '),
      ]),
    })}`,
  )}${
    leftOut.length === 0
      ? ''
      : table({
          caption: 'What the audit of the input could not read',
          columns: [{ name: 'table' }, { name: 'file', kind: 'long' }, { name: 'why', kind: 'long' }],
          rows: leftOut.map(({ table: name, file, reason }) => [name, html`<code>${file}</code>`, reason]),
        })
  }`
}

function inputAudited({ audit }: RunReport): (readonly [string, string])[] {
  if (!audit?.input) return []
  const { files, filesRead, facts, rows, rowsCounted, leftOut } = audit.input
  return [
    ['facts of the input compared with the table', `${countText(facts)} facts, ${countText(rows)} rows`],
    ['fact files that they are from', `${countText(filesRead)} of ${countText(files)}`],
    ['rows counted from the input', rowsCounted === null ? 'not counted' : countText(rowsCounted)],
    ['parts of the input that the audit could not read', countText(leftOut)],
  ]
}
