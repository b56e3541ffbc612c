/**
 * The program of one thread that hosts those of all servers in a test's process (`threads-setup.ts`), either their
 * indexes or their databases.
 */
import { type MessagePort, parentPort } from 'node:worker_threads'
import type { IndexThreadData } from '../../server/index/index-messages.ts'
import { partsFor } from '../../server/index/index-parts.ts'
import { serveIndex } from '../../server/index/serve-index.ts'
import type { FromThread, ThreadData, ToThread } from '../../server/platform/database/sqlite-messages.ts'
import { openThread } from '../../server/platform/database/sqlite-thread.ts'

/** One more hosted thread, and the port to its server. */
export interface HostedThread {
  port: MessagePort
  data: IndexThreadData | ThreadData
}

/** Serves as the real thread does, except that it does not sleep until its bell rings: others share this event loop. */
function serveDatabase(port: MessagePort, data: ThreadData): void {
  const hear = openThread(data, (message: FromThread) => port.postMessage(message))
  if (!hear) return port.close()
  let isOpen = true
  const heard = (message: ToThread) => {
    if (!isOpen || hear(message)) return
    isOpen = false
    port.close()
  }
  port.on('message', heard)
  // Closed by the other side.
  port.once('close', () => heard('close'))
}

parentPort?.on('message', async ({ port, data }: HostedThread) => {
  if ('bell' in data) serveDatabase(port, data)
  else serveIndex(port, data, await partsFor(data))
})
