/**
 * Runs the servers' threads of the test's process in two: one for all indexes and one for all databases. Each hosted
 * thread stands for a `Worker` and is a port to `thread-host.ts`. An index thread costs 0.4 s of CPU until it answers,
 * a database thread 0.1 s.
 */
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, type Transferable, type Worker } from 'node:worker_threads'
import type { ThreadData } from '../../server/platform/database/sqlite-messages.ts'
import { startThread } from '../../server/platform/start-thread.ts'
import type { HostedThread } from './thread-host.ts'

/** The host threads, shared by all test files of a process. */
const hosts: { index?: Worker; database?: Worker } = {}
/** Database files with a hosted writer: a second writer would block on the first one's lock in their common thread. */
const written = new Set<string>()

let isHostingDatabases = true

/** Gives the tests of this file real database threads; reset before the next file. */
export function demandDatabaseThreads(): void {
  isHostingDatabases = false
}

/** Resets hosting; called before each file. */
export function hostDatabases(): void {
  isHostingDatabases = true
}

/** Returns undefined where a real thread is required. */
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

/** The part of a `Worker` that the server uses. */
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
  // Tests that wait for this thread would not report why it failed.
  worker.on('error', error => {
    throw error
  })
  return worker
}
