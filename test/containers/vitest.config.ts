import { defineConfig } from 'vitest/config'

// Needs podman and the images: `npm run check:containers` prepares them.
export default defineConfig({
  test: {
    name: 'containers',
    include: ['test/containers/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
})
