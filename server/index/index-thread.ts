/** A thread of the index: its program. */
import { flushCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { indexParts } from './index-parts.ts'
import { serveIndex } from './serve-index.ts'

// Where it is only compiled there is no port.
if (parentPort) {
  serveIndex(parentPort, workerData, indexParts)
  flushCompileCache()
}
