/** Manages one thread of the index: starts it on demand, ends it after an idle timeout, restarts it after a crash. */
import type { Transferable, Worker } from 'node:worker_threads'
import { markDatabaseFault } from '../platform/database/database-fault.ts'
import { startThread, type ThreadOptions } from '../platform/start-thread.ts'
import type { IndexHome } from './index-databases.ts'
import { IndexFault } from './index-fault.ts'
import type {
  FromIndexThread,
  IndexFailure,
  IndexOrder,
  IndexThreadData,
  ToIndexThread,
  WriterPlace,
} from './index-messages.ts'

/** Heap limit of the thread, which processes one batch or page at a time; past it, the thread crashes. */
const maxMemoryMb = 256

export interface IndexWorkerOptions {
  home: IndexHome
  isReader: boolean
  /** Program file that the thread runs. */
  thread: string
  /** The thread ends after this long without an order. */
  idleMs: number
  /** Given to threads that answer requests. */
  writers?: WriterPlace | undefined
  /** Size of the heap's young generation in MiB, for orders that hold much data until they are answered. */
  maxYoungMb?: number
  /** Scheduling priority against other threads. */
  priority?: ThreadOptions['priority']
}

interface Pending {
  /** The thread to which the order was sent. */
  worker: Worker
  resolve(value: unknown): void
  reject(error: Error): void
}

export class IndexWorker {
  readonly #options: IndexWorkerOptions
  readonly #pending = new Map<number, Pending>()
  readonly #ending = new Set<Promise<void>>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #number = 0

  constructor(options: IndexWorkerOptions) {
    this.#options = options
  }

  /** Whether the thread is running. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  /** Starts the thread ahead of an expected order. */
  warm(): void {
    this.#worker ??= this.#start()
    this.#wait()
  }

  /** Sends an order and resolves with its result. @param transferred Memory that moves to the thread. */
  run(accountId: string, order: IndexOrder, transferred: Transferable[] = []): Promise<unknown> {
    clearTimeout(this.#idle)
    this.#worker ??= this.#start()
    const worker = this.#worker
    this.#number++
    const number = this.#number
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(number, { worker, resolve, reject })
    try {
      worker.postMessage({ number, accountId, order } satisfies ToIndexThread, transferred)
    } catch (error) {
      this.#pending.delete(number)
      reject(error)
    }
    return promise.finally(() => this.#wait())
  }

  /** Ends the thread after the orders sent before. @param boundMs Timeout after which the thread is terminated. */
  async close(boundMs: number): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    const timer = setTimeout(() => void worker?.terminate(), boundMs)
    this.#leave()
    await Promise.all(this.#ending)
    clearTimeout(timer)
  }

  #wait(): void {
    clearTimeout(this.#idle)
    if (this.#pending.size > 0 || !this.#worker) return
    this.#idle = setTimeout(() => this.#leave(), this.#options.idleMs).unref()
  }

  /** Lets the thread answer pending orders, close its files and end. */
  #leave(): void {
    this.#worker?.postMessage('close' satisfies ToIndexThread)
    this.#worker = undefined
  }

  #start(): Worker {
    const { home, isReader, thread, writers, maxYoungMb, priority } = this.#options
    const worker = startThread(thread, {
      workerData: { home, isReader, ...(writers && { writers }) } satisfies IndexThreadData,
      resourceLimits: {
        maxOldGenerationSizeMb: maxMemoryMb,
        ...(maxYoungMb && { maxYoungGenerationSizeMb: maxYoungMb }),
      },
      ...(priority && { priority }),
    })
    const exited = Promise.withResolvers<void>()
    this.#ending.add(exited.promise)
    const end = (reason: string) => {
      if (worker === this.#worker) this.#worker = undefined
      const fault = new IndexFault('thread_ended', `a thread of the index ended: ${reason}`)
      for (const [number, pending] of this.#pending) {
        if (pending.worker !== worker) continue
        this.#pending.delete(number)
        pending.reject(fault)
      }
    }
    worker.on('message', (message: FromIndexThread) => this.#receive(message))
    worker.on('error', error => end(error.message))
    worker.on('exit', code => {
      end(`exit code ${code}`)
      this.#ending.delete(exited.promise)
      exited.resolve()
    })
    return worker
  }

  #receive(message: FromIndexThread): void {
    const pending = this.#pending.get(message.number)
    this.#pending.delete(message.number)
    if ('failure' in message) pending?.reject(toError(message.failure))
    else pending?.resolve(message.value)
  }
}

function toError({ code, message, stack, database }: IndexFailure): Error {
  if (code !== undefined) return new IndexFault(code, message)
  const { isMarked, ...codes } = { isMarked: false, ...database }
  const error = Object.assign(new Error(message), { stack, ...codes })
  if (isMarked) markDatabaseFault(error)
  return error
}
