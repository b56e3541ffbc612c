/** Where tests live and how long one may take. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{contract,server,web,sandbox,test,bench}/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/page-setup.ts', 'test/support/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
