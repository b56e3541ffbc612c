/** Where tests live, how long one may take, and which share a process. */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { RetriedTests } from './test/support/retried-tests.ts'

const shared = {
  // How long a test may hang, not how long it may take: with a load of 20 on two processors some take half of it.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // Nor does it say how soon something comes that is looked for again and again: one second was too short on a busy machine.
  expect: { poll: { timeout: 20_000 } },
  // A shared CI machine may stall for seconds; what needs its second try is named at the end. At home nothing is tried twice.
  retry: process.env.CI === 'true' ? 1 : 0,
  pool: 'forks',
  setupFiles: ['connections', 'compile-cache'].map(name => `test/support/${name}-setup.ts`),
  // One more than there are processors on a small machine: half of the time the long ones wait for something to happen.
  maxWorkers: 3,
} as const

/** The longest first: one that begins last would keep everybody waiting. */
const longest = [
  'browser/pages',
  'browser/phone-home',
  'journeys/package',
  'browser/sign-in',
  'browser/first-run',
  'browser/system',
  'journeys/start-and-stop',
  'journeys/behind-a-proxy',
  'browser/access-pages',
  'journeys/commands',
  'journeys/conformance-faults',
  'browser/server-away',
  'journeys/conformance',
].map(name => `/test/${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = longest.findIndex(end => moduleId.endsWith(end))
      return found === -1 ? longest.length : found
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

/** Its stand-in for a module would be one for all. */
const alone = ['web/settings/configuration-draft.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/support/page-setup.ts', 'test/support/postgres-setup.ts'],
    reporters: ['default', new RetriedTests(join(import.meta.dirname, 'test/retried-tests.txt'), import.meta.dirname)],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: 'journeys',
          include: ['{test,bench}/**/*.test.{ts,tsx}', ...alone],
        },
      },
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['{contract,server,web,sandbox}/**/*.test.{ts,tsx}'],
          exclude: alone,
          // To start a process and load the server again for each of a hundred files took longer than many of them. What a test
          // puts in the place of something real is taken back after it.
          isolate: false,
          restoreMocks: true,
          unstubGlobals: true,
        },
      },
    ],
  },
})
