import tseslint from 'typescript-eslint'

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
    // The binding's own ways to read values drop a leading U+FEFF of a text.
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.property.name=/^((run|stream)AndRead|yield(Row|Converted)|(get|convert)(Row|Column)(s|Objects|Values|sObject))/]',
          message: 'Read the values of a result through src/runtime/column-values.ts.',
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
