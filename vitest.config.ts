import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 5_000,
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // Threads and the program's entry run as workers and child processes, where this coverage cannot see them.
      exclude: ['src/threads/**', 'src/main.ts', 'src/demo/**', 'src/cli/commands/serve.ts', 'src/core/model/**'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 90, 'src/core/**': { branches: 95 } },
    },
  },
})
