/** The program of one thread that stands for those of all servers in a test's process (`threads-setup.ts`): of their indexes, or of their databases. */
import { type MessagePort, parentPort } from 'node:worker_threads'
import type { IndexThreadData } from '../../server/index/index-messages.ts'
import { partsFor } from '../../server/index/index-parts.ts'
import { serveIndex } from '../../server/index/serve-index.ts'
import type { FromThread, ThreadData, ToThread } from '../../server/platform/database/sqlite-messages.ts'
import { openThread } from '../../server/platform/database/sqlite-thread.ts'

/** One more thread of a server, and the way to it. */
export interface HostedThread {
  port: MessagePort
  data: IndexThreadData | ThreadData
}

/** As the thread does it, which sleeps until its bell rings: here others share the loop. */
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
  // Ended from the other side.
  port.once('close', () => heard('close'))
}

parentPort?.on('message', async ({ port, data }: HostedThread) => {
  if ('bell' in data) serveDatabase(port, data)
  else serveIndex(port, data, await partsFor(data))
})
