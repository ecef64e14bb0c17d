/** `report.md`: the report in short, for people. */
import type { RunReport } from './run-report.js'

const NAMES: Readonly<Record<string, string>> = {
  attrs: 'distinct combinations of fact attributes',
  codes: 'codes',
  groups: 'provider groups',
  npis: 'providers',
  cells: 'cells (provider side of a partition key)',
  blocks: 'blocks of providers',
  members: 'group members',
  benchmarks: 'Medicare rows used',
  groupsWithoutMembers: 'groups without a valid member (each fact gives one row with a NULL npi)',
  duplicateMemberLinks: 'duplicate (group, NPI) links, counted once',
  invalidMemberLinks: "links without a group or with a payer's unknown NPI (0, empty, NULL)",
  codesWithoutCategory: 'codes without a category',
  codesWithSeveralCategories: 'codes with several categories, the lowest taken',
  codesNotInDimension: 'codes not in dim_code',
  payersNotInDimension: 'payers not in dim_payer',
  groupsNotInDimension: 'groups not in dim_provider_group',
  posSetsNotInDimension: 'place-of-service sets not in dim_pos_set',
  npisNotInDimension: 'providers not in dim_npi',
  npisWithoutLocation: 'providers without a LOCATION address',
  npisWithSeveralLocations: 'providers with several LOCATION addresses, the lowest address_hash taken',
  factKeysWithMalformedYearMonth: 'malformed values of year_month (year and month are NULL)',
  emptyPartitionValues: 'dimension entries with an empty partition value, taken as NULL',
}

/** The report as Markdown. */
export function reportMarkdown(report: RunReport): string {
  const { result, rules, inputs, dimensions, inputWarnings } = report
  const p = result.partitions
  const lines = [
    `# Run ${result.runId}: ${result.status}`,
    '',
    `Table \`${result.table}\` in \`${escapeCode(result.outputUri)}\`, ${count(result.rows)} rows in ${count(p.total)} partitions.`,
    '',
    '| what | figure |',
    '| --- | ---: |',
    `| facts read | ${count(result.facts)} |`,
    `| facts quarantined | ${count(result.quarantined)} |`,
    `| rows | ${count(result.rows)} |`,
    `| partitions new / changed / kept / removed | ${count(p.added)} / ${count(p.replaced)} / ${count(p.kept)} / ${count(p.removed)} |`,
    `| bytes written | ${count(result.bytes)} |`,
    `| peak memory | ${count(result.peakMemoryMb)} MB of ${count(result.memoryLimitMb)} MB |`,
    `| seconds | ${(result.seconds['total'] ?? 0).toFixed(1)} |`,
    '',
    '## Quality',
    '',
    '| rule | severity | broken by | share | allowed | result |',
    '| --- | --- | ---: | ---: | ---: | --- |',
    ...rules.map(
      (r) =>
        `| ${r.name}: ${escapeCell(r.meaning)} | ${r.severity} | ${count(r.failed)} of ${count(r.checked)} ${r.unit} | ${percent(r.share)} | ${percent(r.threshold)} | ${r.outcome} |`,
    ),
    '',
    '## Input',
    '',
    '| table | rows | equal duplicates | differing keys | NULL keys | missing optional columns | other columns |',
    '| --- | ---: | ---: | ---: | ---: | --- | --- |',
    ...inputs.map(
      (t) =>
        `| ${t.name} | ${count(t.rows ?? 0)} | ${count(t.equalDuplicates ?? 0)} | ${count(t.differingKeys ?? 0)} | ${count(t.nullKeys ?? 0)} | ${names(t.missingOptional)} | ${names(t.extra)} |`,
    ),
    '',
    ...inputWarnings.map((w) => `- ${escapeCell(w)}`),
    '',
    '## What the data held',
    '',
    '| what | count |',
    '| --- | ---: |',
    ...Object.entries(dimensions).map(([name, n]) => `| ${NAMES[name] ?? name} | ${count(n)} |`),
    '',
    '## How it went',
    '',
    '| phase | seconds | peak memory, MB |',
    '| --- | ---: | ---: |',
    ...Object.entries(result.seconds)
      .filter(([phase]) => phase !== 'total')
      .map(([phase, s]) => `| ${phase} | ${s.toFixed(2)} | ${report.memoryByPhase[phase] ?? ''} |`),
    '',
    `Started ${report.startedAt}, finished ${report.finishedAt}, engine ${report.engine}. Receipt: \`${escapeCode(result.receiptUri)}\`.`,
    '',
  ]
  return lines.join('\n')
}

function names(list: readonly string[] | undefined): string {
  return (list ?? []).map(escapeCell).join(', ')
}

/** A value of the data in a cell of a table: no markup, no line break, no end of the cell. */
function escapeCell(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#]/g, (c) => `\\${c}`).replace(/\p{Cc}/gu, ' ')
}

function escapeCode(text: string): string {
  return text.replaceAll('`', "'").replace(/\p{Cc}/gu, ' ')
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
