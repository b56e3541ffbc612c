/** Where tests live, how long one may take, and which share a process. */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { patience } from './test/support/patience.ts'
import { RetriedTests } from './test/support/retried-tests.ts'

const shared = {
  // How long a test may hang, not how long it may take: a machine where twenty others wait for a processor is no fault.
  testTimeout: 5 * patience,
  hookTimeout: 5 * patience,
  // Nor does it say how soon something comes that is looked for again and again.
  expect: { poll: { timeout: patience } },
  // A shared CI machine may stall for seconds; what needs its second try is named at the end. At home nothing is tried twice.
  retry: process.env.CI === 'true' ? 1 : 0,
  pool: 'forks',
  setupFiles: ['connections', 'compile-cache', 'threads'].map(name => `test/support/${name}-setup.ts`),
  // Twice as many as there are processors on a small machine: half of the time the long ones wait for something to happen.
  maxWorkers: 4,
} as const

const common = { ...shared, setupFiles: [...shared.setupFiles, 'test/support/patience-setup.ts'] }

/** The longest first: one that begins last would keep everybody waiting. */
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
    // A process goes on with the files of its project, and ends where one of the other comes next.
    const turn = ({ project }: TestSpecification) => ['journeys', 'parts', 'alone'].indexOf(project.name)
    return (await super.sort(files)).toSorted((a, b) => turn(a) - turn(b) || place(a) - place(b))
  }
}

/** Its stand-in for a module would be one for all. */
const alone = ['web/settings/configuration-draft.test.ts']

/**
 * To start a process and load the server again took a second of processor time for each file, and longer than many of them. What a
 * test puts in the place of something real is taken back after it.
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
