/**
 * For each test file, which shares its process with others: the server's threads run the bundle that was made before all tests. Those of the
 * index are one thread for all servers of the process; servers in processes of their own, and the tests of these threads, have real ones.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inject } from 'vitest'
import { runBundledThreads } from './bundled-threads.ts'
import { HostedWorker } from './hosted-threads.ts'

/** As `startThread` begins it. */
const indexThread = `import("${pathToFileURL(join(import.meta.dirname, '../../server/index/index-thread.ts')).href}")`

runBundledThreads(inject('bundle'), (program, { workerData }) =>
  program.includes(indexThread) ? new HostedWorker(workerData) : undefined,
)
