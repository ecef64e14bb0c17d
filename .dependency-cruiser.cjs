/** Imports run one way: cli → workflows/activities → domain folders → runtime; no cycles (design, layout). */
const DOMAIN = 'star|plan|parquet|lake|iceberg|quality|report'
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'runtime-knows-nobody',
      severity: 'error',
      from: { path: '^src/runtime/' },
      to: { path: `^src/(cli|workflows|activities|${DOMAIN})/` },
    },
    {
      name: 'domain-does-not-look-up',
      severity: 'error',
      from: { path: `^src/(${DOMAIN})/` },
      // The shape of a run's result is everybody's, as a type.
      to: { path: '^src/(cli|workflows|activities)/', pathNot: '^src/workflows/messages\\.ts$' },
    },
    {
      name: 'messages-are-types-to-domains',
      severity: 'error',
      from: { path: `^src/(${DOMAIN})/` },
      to: { path: '^src/workflows/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'activities-do-not-know-the-cli',
      severity: 'error',
      from: { path: '^src/(activities|workflows)/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'workflows-import-types-only',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: `^src/(${DOMAIN}|activities|config)/`, dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '\\.d\\.ts$' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
}
