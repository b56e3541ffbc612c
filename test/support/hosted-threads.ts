/**
 * Threads of the index as one thread of the test's process: each stands for a `Worker`, and is a port to `index-host.ts`. A thread costs
 * 0.4 s of the processor until it answers, and a server has three of them as soon as it has an account.
 */
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, type Transferable, type Worker } from 'node:worker_threads'
import { startThread } from '../../server/platform/start-thread.ts'
import type { HostedThread } from './index-host.ts'

let host: Worker | undefined

/** What the server uses of a `Worker`. */
export class HostedWorker extends EventEmitter {
  readonly #port: MessagePort

  constructor(data: HostedThread['data']) {
    super()
    host ??= startHost()
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.on('message', message => this.emit('message', message))
    port1.once('close', () => this.emit('exit', 0))
    host.postMessage({ port: port2, data } satisfies HostedThread, [port2])
  }

  postMessage(message: unknown, transferred: Transferable[] = []): void {
    this.#port.postMessage(message, transferred)
  }

  async terminate(): Promise<void> {
    this.#port.close()
  }
}

function startHost(): Worker {
  const program = join(import.meta.dirname, 'index-host.ts')
  const worker = startThread(program, { workerData: undefined, resourceLimits: {} })
  worker.unref()
  // The tests that wait for it would not say why.
  worker.on('error', error => {
    throw error
  })
  return worker
}
