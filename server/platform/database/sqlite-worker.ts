/**
 * Proxy of an SQLite connection on its own thread: statements of one turn of the event loop are sent as one message.
 */
import type { Worker } from 'node:worker_threads'
import { startThread, threadProgram } from '../start-thread.ts'
import { DatabaseThreadEnded } from './database-fault.ts'
import type { Answer, Changes, Fault, FromThread, Order, Rows, ThreadData, ToThread } from './sqlite-messages.ts'

/** Heap limit of the thread, which has to hold the rows of one answer. */
const maxMemoryMb = 128
const program = threadProgram(import.meta, 'sqlite-thread')

export interface SqliteWorkerOptions extends Omit<ThreadData, 'bell'> {
  /** Called at most once, if the thread crashed; the outcome of statements in flight is unknown. */
  died(error: DatabaseThreadEnded): void
  /** Called when all statements are answered. */
  idle(): void
}

interface Pending {
  resolve(answer: Rows | Changes): void
  reject(error: Error): void
}

export class SqliteWorker {
  readonly #options: SqliteWorkerOptions
  readonly #worker: Worker
  readonly #bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  readonly #opened = Promise.withResolvers<string | null>()
  readonly #exited = Promise.withResolvers<void>()
  /** Statements in flight, in the order of their answers. */
  readonly #pending: Pending[] = []
  #unsent: Order[] = []
  #answeredAt = 0
  #isOpen = false
  #isClosing = false
  #fault: Error | undefined

  constructor(options: SqliteWorkerOptions) {
    this.#options = options
    const { path, isReader } = options
    this.#worker = startThread(program, {
      workerData: { path, isReader, bell: this.#bell.buffer } satisfies ThreadData,
      resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb },
    })
    this.#worker.on('message', (message: FromThread) => this.#receive(message))
    this.#worker.on('error', error => this.#end(error.message))
    this.#worker.on('exit', code => {
      this.#end(`exit code ${code}`)
      this.#exited.resolve()
    })
    this.#opened.promise.catch(() => undefined)
  }

  /** The open file; null for a database in memory. @throws SQLite's error if it cannot be opened */
  get opened(): Promise<string | null> {
    return this.#opened.promise
  }

  /** Number of statements in flight. */
  get waiting(): number {
    return this.#pending.length
  }

  /** How long the current statement may have run; 0 while the thread starts, as another would start no sooner. */
  get stuckMs(): number {
    return this.#pending.length === 0 || !this.#isOpen ? 0 : performance.now() - this.#answeredAt
  }

  run(order: Order): Promise<Rows | Changes> {
    if (this.#fault) return Promise.reject(this.#fault)
    if (this.#pending.length === 0) this.#answeredAt = performance.now()
    const { promise, resolve, reject } = Promise.withResolvers<Rows | Changes>()
    this.#pending.push({ resolve, reject })
    this.#unsent.push(order)
    // Deferred, so that statements issued in the same turn become one message.
    if (this.#unsent.length === 1) process.nextTick(() => this.#send())
    return promise
  }

  /** Clears cached statements, which may be stale. */
  forget(): void {
    this.#post('forget')
  }

  /** Closes after the statements in flight. @param boundMs Timeout after which the thread is terminated. */
  async close(boundMs: number): Promise<void> {
    this.#isClosing = true
    this.#send()
    this.#post('close')
    const timer = setTimeout(() => void this.#worker.terminate(), boundMs)
    await this.#exited.promise
    clearTimeout(timer)
  }

  #send(): void {
    if (this.#unsent.length === 0) return
    this.#post(this.#unsent)
    this.#unsent = []
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message)
    Atomics.add(this.#bell, 0, 1)
    Atomics.notify(this.#bell, 0)
  }

  #receive(message: FromThread): void {
    if ('unopened' in message) return this.#fail(toError(message.unopened))
    this.#answeredAt = performance.now()
    if ('opened' in message) {
      this.#isOpen = true
      return this.#opened.resolve(message.opened)
    }
    for (const [index, pending] of this.#pending.splice(0, message.length).entries()) settle(pending, message[index]!)
    if (this.#pending.length === 0) this.#options.idle()
  }

  #end(reason: string): void {
    if (this.#fault) return
    const error = new DatabaseThreadEnded(this.#options.isReader ? 'reads' : 'writes to', reason)
    this.#fail(error)
    if (!this.#isClosing) this.#options.died(error)
  }

  #fail(error: Error): void {
    this.#fault = error
    this.#opened.reject(error)
    for (const pending of this.#pending.splice(0)) pending.reject(error)
  }
}

function settle({ resolve, reject }: Pending, answer: Answer): void {
  if ('fault' in answer) reject(toError(answer.fault))
  else resolve(answer)
}

function toError({ message, ...rest }: Fault): Error {
  return Object.assign(new Error(message), rest)
}
