/** Where tests live and how long one may take. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{contract,server,web,sandbox,test,bench}/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/page-setup.ts', 'test/support/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A shared CI machine may stall for seconds; what needs its second try is reported as flaky. At home nothing is tried twice.
    retry: process.env.CI === 'true' ? 1 : 0,
    pool: 'forks',
    maxWorkers: 2,
  },
})
