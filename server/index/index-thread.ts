/** A thread of the index: its program. */
import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { IndexThreadData, PageWriterModule } from './index-messages.ts'
import { indexParts } from './index-parts.ts'
import { serveIndex } from './serve-index.ts'

async function serve(port: MessagePort, data: IndexThreadData): Promise<void> {
  const { pages } = data
  // What a list looks like is not the index's to know: the module that writes it is named from above.
  const writer = pages && ((await import(pages.module)) as PageWriterModule)
  serveIndex(port, data, writer ? { ...indexParts, writePage: writer.pageWriter(pages.key) } : indexParts)
  flushCompileCache()
}

// Where it is only compiled there is no port.
if (parentPort) await serve(parentPort, workerData)
