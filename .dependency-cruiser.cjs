/** Imports run one way: cli → workflows/activities → history/records → domain rooms → engine → runtime; no cycles. */
const DOMAIN = 'explore|rates|star|plan|object-audit|parquet|lake|iceberg|analytics|quality|report|audit'
const ADAPTERS = 'folder|s3|glue|duckdb'
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'runtime-knows-nobody',
      severity: 'error',
      from: { path: '^src/runtime/' },
      to: { path: `^src/(cli|workflows|activities|history|records|config|engine|partition-files|${DOMAIN})/` },
    },
    {
      name: 'config-knows-no-domain',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: `^src/(cli|workflows|activities|history|records|contract|engine|partition-files|${DOMAIN})/` },
    },
    {
      name: 'config-stands-below-temporal-and-workers',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: '^src/runtime/(temporal|worker)/' },
    },
    {
      name: 'temporal-stands-below-workers',
      severity: 'error',
      from: { path: '^src/runtime/temporal/' },
      to: { path: '^src/runtime/worker/' },
    },
    {
      name: 'domain-does-not-look-up',
      severity: 'error',
      from: { path: `^src/(${DOMAIN})/` },
      to: { path: '^src/(cli|workflows|activities|history|records)/' },
    },
    {
      name: 'partition-files-are-read-by-all-domain-rooms',
      severity: 'error',
      from: { path: '^src/partition-files/' },
      to: { path: '^src/', pathNot: '^src/(partition-files|engine|runtime)/|^src/parquet/footer-check\\.ts$' },
    },
    {
      name: 'an-adapter-does-not-know-another',
      severity: 'error',
      from: { path: `^src/lake/(${ADAPTERS})/` },
      to: { path: `^src/lake/(${ADAPTERS})/`, pathNot: '^src/lake/$1/' },
    },
    {
      name: 'adapters-do-not-pick-adapters',
      severity: 'error',
      from: { path: `^src/lake/(${ADAPTERS})/` },
      to: { path: '^src/lake/(stores|catalogs|queries|iam-policy)\\.ts$' },
    },
    {
      name: 'records-do-not-look-up',
      severity: 'error',
      from: { path: '^src/(records|contract)/' },
      to: { path: '^src/(cli|workflows|activities|history)/' },
    },
    {
      name: 'history-is-read-without-activities',
      severity: 'error',
      from: { path: '^src/history/' },
      to: { path: '^src/(activities|workflows)/' },
    },
    {
      name: 'activities-do-not-know-the-cli',
      severity: 'error',
      from: { path: '^src/(activities|workflows|history)/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'workflows-import-types-only',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: `^src/(${DOMAIN}|activities|records|history|config)/`, dependencyTypesNot: ['type-only'] },
    },
    {
      // A second implementation of the contract is one only as long as it has no line of the first.
      name: 'audit-of-the-input-shares-nothing',
      severity: 'error',
      from: { path: '^src/audit/' },
      to: {
        path: '^src/(config|star|plan|object-audit|partition-files|parquet|lake|quality|report|engine|records|history)/',
      },
    },
    {
      // A program of a page is read as text.
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '^src/explore/browser/'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
}
