import tseslint from 'typescript-eslint'

// A path that DuckDB is handed as it is counts as a pattern: src/engine/parquet-scan.ts escapes it.
const FILE_READER = String.raw`/\b(?:(?:read|scan|sniff)_(?:parquet|csv|csv_auto|json\w*|ndjson\w*|text|blob)|parquet_\w+|glob)\s*\(|\bfrom\s+'(?:$|[^'\s]*[./])/i`

// The binding's own ways to read values drop a leading U+FEFF of a text.
const BINDING_READERS = {
  selector:
    'CallExpression[callee.property.name=/^((run|stream)AndRead|yield(Row|Converted)|(get|convert)(Row|Column)(s|Objects|Values|sObject))/]',
  message: 'Read the values of a result through src/engine/column-values.ts.',
}

// Biome checks style and most rules; ESLint adds the rules that need types.
export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'coverage/**',
      'scripts/**',
      '.etl3/**',
      '.venv/**',
      'demo/**',
      'lake/**',
      '*.js',
      '*.cjs',
    ],
  },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/engine/parquet-scan.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[`TemplateElement[value.raw=${FILE_READER}]`, `Literal[value=${FILE_READER}]`].map((selector) => ({
          selector,
          message: 'DuckDB takes a path for a pattern. Build the call with src/engine/parquet-scan.ts.',
        })),
        BINDING_READERS,
      ],
    },
  },
  {
    files: ['src/engine/parquet-scan.ts'],
    rules: { 'no-restricted-syntax': ['error', BINDING_READERS] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/runtime/make-folder.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:fs',
              importNames: ['mkdirSync', 'mkdir'],
              message: 'Make folders with src/runtime/make-folder.ts.',
            },
          ],
        },
      ],
    },
  },
  {
    // Workflow code runs in a deterministic sandbox: no Node built-ins, no configuration schema, no adapters.
    files: ['src/workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: ['node:*', 'fs', 'path', 'crypto', 'zod', '@duckdb/*', '@temporalio/worker', '@temporalio/client'],
        },
      ],
    },
  },
)
