/**
 * Run for each test file, which shares its process with others: the server's threads run the prebuilt bundle. All
 * servers of the process share one index thread and one database thread; servers in their own processes, and the tests
 * of these threads, have real ones.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inject } from 'vitest'
import { runBundledThreads } from './bundled-threads.ts'
import { HostedWorker, hostDatabase, hostDatabases } from './hosted-threads.ts'

/** Returns the import by which `startThread` begins a program. */
const importOf = (path: string) => `import("${pathToFileURL(join(import.meta.dirname, '../../server', path)).href}")`
const indexThread = importOf('index/index-thread.ts')
const databaseThread = importOf('platform/database/sqlite-thread.ts')

hostDatabases()
runBundledThreads(inject('bundle'), (program, { workerData }) => {
  if (program.includes(indexThread)) return new HostedWorker('index', workerData)
  return program.includes(databaseThread) ? hostDatabase(workerData) : undefined
})
