/**
 * Every place that a run passes at which a worker can be killed (see runtime/fail-point.ts), in the order of the run.
 * The places of one entry are tested with one run, which is killed at each of them once: the command starts a worker again
 * up to four times.
 */
export const FAIL_POINTS: readonly (readonly string[])[] = [
  ['activity:openRun:start', 'record:run.json', 'activity:openRun:end', 'activity:validateInputs:start'],
  ['record:inputs.json', 'activity:validateInputs:end', 'activity:stageDimensions:start', 'record:dimensions.json'],
  [
    'activity:stageDimensions:end',
    'record:staged/attrs.parquet',
    'record:staged/codes.parquet',
    'record:staged/groups.parquet',
  ],
  [
    'record:staged/words.parquet',
    'record:staged/npis.parquet',
    'record:staged/cells.parquet',
    'record:staged/attr_parts.parquet',
  ],
  [
    'record:staged/code_parts.parquet',
    'record:staged/group_parts.parquet',
    'record:staged/members.parquet',
    'activity:stageFacts:start',
  ],
  [
    'activity:stageFacts:end',
    'record:staged/facts/0.parquet',
    'record:staged/facts/0.json',
    'record:staged/facts/1.parquet',
  ],
  ['record:staged/facts/1.json', 'activity:joinFacts:start', 'record:facts.json', 'activity:joinFacts:end'],
  [
    'record:staged/facts.parquet',
    'record:staged/uids.parquet',
    'record:staged/slices.parquet',
    'record:staged/benchmarks.parquet',
  ],
  [
    'record:staged/benchmark_keys.parquet',
    'record:staged/states.parquet',
    'activity:screenFacts:start',
    'record:screen.json',
  ],
  [
    'activity:screenFacts:end',
    'record:staged/quarantined.parquet',
    'record:quarantine/facts.parquet',
    'activity:planPartitions:start',
  ],
  ['activity:planPartitions:end', 'record:plan.parquet', 'record:plan.json', 'record:analytics-plan.json'],
  ['activity:checkQuality:start', 'record:quality.json', 'activity:checkQuality:end', 'activity:writePartitions:start'],
  ['activity:writePartitions:end', 'write:partition', 'write:before-flush', 'write:before-record'],
  ['write:after-record', 'record:staged/due/0.json', 'record:units/0.json', 'activity:writeAnalytics:start'],
  ['analytics:file', 'analytics:before-record', 'activity:writeAnalytics:end', 'record:analytics/0.json'],
  ['activity:auditObjects:start', 'audit:unit', 'record:audited/0.json', 'activity:auditObjects:end'],
  [
    'activity:auditAnalytics:start',
    'analytics:audited',
    'activity:auditAnalytics:end',
    'record:analytics/audited-0.json',
  ],
  // First beside the writing of the analytics table, then by a further attempt that has nothing beside it.
  ['record:rates.parquet', 'record:rates_by_payer.parquet', 'record:rates.json', 'activity:balanceLedger:start'],
  ['record:audit.json', 'activity:balanceLedger:end', 'activity:commitAnalytics:start', 'analytics:before-commit'],
  [
    'analytics:after-commit',
    'record:analytics.json',
    'activity:commitAnalytics:end',
    'activity:publishPartitions:start',
  ],
  ['activity:publishPartitions:end', 'publish:partition', 'publish:before-record', 'record:published/0.json'],
  ['activity:registerTables:start', 'record:manifest.parquet', 'activity:registerTables:end', 'register:before'],
  ['register:show', 'register:after', 'activity:removePartitions:start', 'remove:before'],
  ['activity:removePartitions:end', 'activity:writeReport:start', 'record:contents.json', 'record:report.json'],
  ['report:after-data', 'record:receipt.json', 'report:before-current', 'report:after-current'],
  ['activity:writeReport:end'],
]
