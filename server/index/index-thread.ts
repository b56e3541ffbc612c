/** Program of a thread of the index. */
import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { IndexThreadData } from './index-messages.ts'
import { partsFor } from './index-parts.ts'
import { serveIndex } from './serve-index.ts'

async function serve(port: MessagePort, data: IndexThreadData): Promise<void> {
  serveIndex(port, data, await partsFor(data))
  flushCompileCache()
}

// There is no port when the file is only loaded to fill the compile cache.
if (parentPort) await serve(parentPort, workerData)
