/** A thread of the index: its program. */
import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { IndexThreadData, WriterModule } from './index-messages.ts'
import { indexParts } from './index-parts.ts'
import { serveIndex } from './serve-index.ts'

async function serve(port: MessagePort, data: IndexThreadData): Promise<void> {
  const { writers } = data
  // What lists and hits look like is not the index's to know: the module that writes them is named from above.
  const module = writers && ((await import(writers.module)) as WriterModule)
  const written = module && { writePage: module.pageWriter(writers.key), writeHit: module.hitWriter(writers.key) }
  serveIndex(port, data, { ...indexParts, ...written })
  flushCompileCache()
}

// Where it is only compiled there is no port.
if (parentPort) await serve(parentPort, workerData)
