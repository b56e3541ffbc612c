/** The program of one thread that does what each server in a test's process has three threads of the index for (`threads-setup.ts`). */
import { type MessagePort, parentPort } from 'node:worker_threads'
import type { IndexThreadData } from '../../server/index/index-messages.ts'
import { partsFor } from '../../server/index/index-parts.ts'
import { serveIndex } from '../../server/index/serve-index.ts'

/** One more thread of a server, and the way to it. */
export interface HostedThread {
  port: MessagePort
  data: IndexThreadData
}

parentPort?.on('message', async ({ port, data }: HostedThread) => serveIndex(port, data, await partsFor(data)))
