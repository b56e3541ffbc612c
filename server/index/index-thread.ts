/** A thread of the index: its program. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { IndexThreadData } from './index-messages.ts'

/** As of `nice`. */
const priority = 10

const data = workerData as IndexThreadData | undefined
// Indexing comes behind what people wait for. Only on Linux has a thread a priority of its own.
if (parentPort && data && !data.isReader && process.platform === 'linux') setPriority(priority)
// A cache is a thread's own to open. With it the thread starts without the compiler of TypeScript.
if (data?.compileCache !== undefined) enableCompileCache(data.compileCache)

if (parentPort && data) {
  const { serveIndex } = await import('./serve-index.ts')
  const { indexParts } = await import('./index-parts.ts')
  serveIndex(parentPort, data, indexParts)
  flushCompileCache()
}
