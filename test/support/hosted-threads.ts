/**
 * Threads of servers as threads of the test's process, one for all indexes and one for all databases: each stands for a `Worker`, and is
 * a port to `thread-host.ts`. A thread of the index costs 0.4 s of the processor until it answers, one of a database 0.1 s.
 */
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, type Transferable, type Worker } from 'node:worker_threads'
import type { ThreadData } from '../../server/platform/database/sqlite-messages.ts'
import { startThread } from '../../server/platform/start-thread.ts'
import type { HostedThread } from './thread-host.ts'

/** Files whose tests share a process share their hosts. */
const hosts: { index?: Worker; database?: Worker } = {}
/** Databases that a hosted thread writes: a second one would wait for the lock of the first in the thread of both. */
const written = new Set<string>()

let isHostingDatabases = true

/** For the tests of a file that are about the threads of a database; until the next file. */
export function demandDatabaseThreads(): void {
  isHostingDatabases = false
}

/** Before each file. */
export function hostDatabases(): void {
  isHostingDatabases = true
}

/** Undefined where it has to be a real one. */
export function hostDatabase(data: ThreadData): HostedWorker | undefined {
  const { path, isReader } = data
  if (!isHostingDatabases || (!isReader && written.has(path))) return undefined
  const worker = new HostedWorker('database', data)
  if (!isReader) {
    written.add(path)
    worker.once('exit', () => written.delete(path))
  }
  return worker
}

/** What the server uses of a `Worker`. */
export class HostedWorker extends EventEmitter {
  readonly #port: MessagePort

  constructor(kind: keyof typeof hosts, data: HostedThread['data']) {
    super()
    hosts[kind] ??= startHost()
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.on('message', message => this.emit('message', message))
    port1.once('close', () => this.emit('exit', 0))
    hosts[kind].postMessage({ port: port2, data } satisfies HostedThread, [port2])
  }

  postMessage(message: unknown, transferred: Transferable[] = []): void {
    this.#port.postMessage(message, transferred)
  }

  async terminate(): Promise<void> {
    this.#port.close()
  }
}

function startHost(): Worker {
  const program = join(import.meta.dirname, 'thread-host.ts')
  const worker = startThread(program, { workerData: undefined, resourceLimits: {} })
  worker.unref()
  // The tests that wait for it would not say why.
  worker.on('error', error => {
    throw error
  })
  return worker
}
