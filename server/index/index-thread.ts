/** A thread of the index: its program. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { IndexThreadData, PageWriterModule } from './index-messages.ts'

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
  const { pages } = data
  // What a list looks like is not the index's to know: the module that writes it is named from above.
  const writer = pages && ((await import(pages.module)) as PageWriterModule)
  serveIndex(parentPort, data, writer ? { ...indexParts, writePage: writer.pageWriter(pages.key) } : indexParts)
  flushCompileCache()
}
