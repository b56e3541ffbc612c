/** Where tests are, their timeouts, and which of them share a process. */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { patience } from './test/support/patience.ts'
import { RetriedTests } from './test/support/retried-tests.ts'

const shared = {
  // Bounds how long a test may hang, not how long it may take: a machine where twenty others compete for a processor is
  // no fault.
  testTimeout: 5 * patience,
  hookTimeout: 5 * patience,
  // Polls have the same patience.
  expect: { poll: { timeout: patience } },
  // A shared CI machine may stall for seconds; a test that needs a retry is named at the end. Locally nothing is
  // retried.
  retry: process.env.CI === 'true' ? 1 : 0,
  pool: 'forks',
  setupFiles: ['connections', 'compile-cache', 'threads'].map(name => `test/support/${name}-setup.ts`),
  // Twice the processors of a small machine: half of the time the long tests wait for something to happen.
  maxWorkers: 4,
} as const

const common = { ...shared, setupFiles: [...shared.setupFiles, 'test/support/patience-setup.ts'] }

/** Longest first: one that began last would delay the whole run. */
const longest = [
  'journeys/obedient',
  'browser/phone-home',
  'journeys/outbox-crash',
  'browser/pages',
  'browser/mail-organise',
  'journeys/operations-crash',
  'journeys/two-processes',
  'journeys/proposals-crash',
  'journeys/start-and-stop',
  'browser/first-run',
  'browser/sign-in',
  'browser/access-pages',
  'journeys/folders-crash',
  'browser/approvals',
  'journeys/mcp-clients',
  'journeys/package',
  'journeys/mcp-stdio',
  'journeys/mail-index',
  'journeys/bad-input',
  'journeys/launcher',
  'journeys/openapi-agreement',
  'journeys/client',
  'journeys/conformance',
  'journeys/commands',
  'browser/mail-search',
  'browser/mail-live',
  'browser/index-section',
  'browser/compose',
  'browser/odd-senders',
  'hostile-text',
  'journeys/missed-mail',
  'browser/narrow',
  'browser/push',
  'browser/changes-page',
  'browser/compose-files',
  'browser/mail-page',
  'journeys/hostile-mail',
  'journeys/malformed-mail',
  'browser/docs',
].map(name => `/test/${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = longest.findIndex(end => moduleId.endsWith(end))
      return found === -1 ? longest.length : found
    }
    // A process takes further files of its project, and ends before a file of another one.
    const turn = ({ project }: TestSpecification) => ['journeys', 'parts', 'alone'].indexOf(project.name)
    return (await super.sort(files)).toSorted((a, b) => turn(a) - turn(b) || place(a) - place(b))
  }
}

/** Its module mock would apply to all files of the process. */
const alone = ['web/settings/configuration-draft.test.ts']

/**
 * Starting a process and loading the server again took a second of CPU time per file, longer than many of them. What a
 * test replaces is restored after it.
 */
const together = { isolate: false, restoreMocks: true, unstubGlobals: true } as const

export default defineConfig({
  test: {
    globalSetup: ['memory', 'page', 'postgres'].map(name => `test/support/${name}-setup.ts`),
    reporters: ['default', new RetriedTests(join(import.meta.dirname, 'test/retried-tests.txt'), import.meta.dirname)],
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...common, ...together, name: 'journeys', include: ['{test,bench}/**/*.test.{ts,tsx}'] } },
      {
        test: {
          ...common,
          ...together,
          name: 'parts',
          include: ['{client,contract,server,web,sandbox}/**/*.test.{ts,tsx}'],
          exclude: alone,
        },
      },
      { test: { ...common, name: 'alone', include: alone } },
    ],
  },
})
