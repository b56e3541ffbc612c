/** The index thread for tests: with a full-text search that is easy to inspect, and that can end the thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { serveIndex } from '../../server/index/serve-index.ts'
import { plainSearch, readText } from './index-parts.ts'

const search = {
  ...plainSearch,
  put: async (...given: Parameters<typeof plainSearch.put>) => {
    if (given[2].some(({ subject }) => subject === 'ends the thread')) process.exit(3)
    await plainSearch.put(...given)
  },
}

if (parentPort) serveIndex(parentPort, workerData, { fullText: { sqlite: search, postgres: search }, readText })
