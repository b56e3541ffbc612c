/**
 * Does work on strangers' texts on a thread of its own, so that no message holds up the server. The thread is started
 * when there is work and ends when there is none for a while. A job that takes too long or too much memory is ended
 * with its thread; the next one gets a new thread.
 */
import { getCompileCacheDir } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { JobQueue, type QueueBounds } from './job-queue.ts'
import type { JobAnswer, JobMessage, TextJob, TextJobs } from './text-jobs.ts'

export interface TextWorkerOptions extends Partial<QueueBounds> {
  /** For one job, from when it has begun: only this is up to the text. */
  timeoutMs?: number
  /** For what comes before it: starting the thread, and loading what the job needs. */
  startMs?: number
  /** Heap of the thread. */
  maxMemoryMb?: number
  /** After so long without work the thread ends. To start one takes some 100 ms, which whoever reads mail should not wait for each time. */
  idleMs?: number
  /** The file that the thread runs. */
  thread?: string
}

/** Why a job has no outcome. Only `gave_up` is about the text itself: the same text would fail again. */
export type TextWorkerFault = 'gave_up' | 'busy' | 'stopped'

export class TextWorkerError extends Error {
  readonly fault: TextWorkerFault

  constructor(fault: TextWorkerFault, message: string) {
    super(message)
    this.fault = fault
  }
}

export interface JobOptions {
  /** Keys are served in turn, so that nobody waits for all jobs of another one. */
  key: string
  /** Takes back a job that has not begun; one that has is done for the next who asks. */
  signal?: AbortSignal
}

interface Waiting {
  message: JobMessage
  resolve(output: unknown): void
  reject(error: unknown): void
}

/** Emitted as JavaScript, this file and the other have another ending. */
const defaultThread = join(import.meta.dirname, `text-worker-thread${extname(import.meta.filename)}`)

export class TextWorker {
  readonly #options: Required<Omit<TextWorkerOptions, keyof QueueBounds>>
  readonly #waiting: JobQueue<Waiting>
  /** What stands here is ended by `#end` alone. */
  #worker: Worker | undefined
  #current: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #ending: Promise<unknown> = Promise.resolve()

  constructor({
    maxWaiting = 64,
    maxWaitingPerKey = 16,
    timeoutMs = 5_000,
    startMs = 10_000,
    maxMemoryMb = 192,
    idleMs = 60_000,
    thread = defaultThread,
  }: TextWorkerOptions = {}) {
    this.#waiting = new JobQueue({ maxWaiting, maxWaitingPerKey })
    this.#options = { timeoutMs, startMs, maxMemoryMb, idleMs, thread }
  }

  /** Whether there is a thread at this moment. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  /** @throws TextWorkerError */
  async run<Job extends TextJob>(
    job: Job,
    input: TextJobs[Job]['input'],
    { key, signal }: JobOptions,
  ): Promise<TextJobs[Job]['output']> {
    if (this.#isStopped) throw new TextWorkerError('stopped', 'the server is stopping')
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const waiting = { message: { job, input }, resolve, reject }
    if (!this.#waiting.add(key, waiting)) throw new TextWorkerError('busy', 'too many messages wait to be read')
    const takeBack = () => {
      if (this.#waiting.remove(key, waiting)) reject(signal?.reason)
    }
    signal?.addEventListener('abort', takeBack, { once: true })
    this.#next()
    try {
      return (await promise) as TextJobs[Job]['output']
    } finally {
      signal?.removeEventListener('abort', takeBack)
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const error = new TextWorkerError('stopped', 'the server is stopping')
    for (let next = this.#waiting.take(); next; next = this.#waiting.take()) next.reject(error)
    this.#end(error)
    await this.#ending
  }

  #next(): void {
    if (this.#current) return
    const next = this.#waiting.take()
    if (!next) return this.#idle()
    this.#current = next
    const { startMs } = this.#options
    this.#setTimer(startMs, new TextWorkerError('busy', `not begun in ${startMs} ms`))
    this.#worker ??= this.#start()
    this.#worker.postMessage(next.message)
  }

  #idle(): void {
    if (this.#worker) this.#setTimer(this.#options.idleMs, undefined)
  }

  #setTimer(ms: number, error: TextWorkerError | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#end(error)
      this.#next()
    }, ms).unref()
  }

  #start(): Worker {
    const { thread, maxMemoryMb } = this.#options
    // It lies in a folder for each version of Node, which is put behind it again.
    const cache = getCompileCacheDir()
    const worker = new Worker(thread, {
      workerData: { compileCache: cache && dirname(cache) },
      resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb, maxYoungGenerationSizeMb: 16 },
    })
    // What happens to a thread that was ended no longer matters.
    const isCurrent = () => worker === this.#worker
    worker.on('message', (answer: JobAnswer) => {
      if (isCurrent()) this.#take(answer)
    })
    worker.on('error', error => {
      if (!isCurrent()) return
      this.#end(new TextWorkerError('gave_up', error.message))
      this.#next()
    })
    worker.on('exit', () => {
      if (!isCurrent()) return
      this.#end(new TextWorkerError('gave_up', 'the thread ended'))
      this.#next()
    })
    return worker
  }

  #take(answer: JobAnswer): void {
    if (answer !== 'begun') return this.#finish(answer)
    const { timeoutMs } = this.#options
    this.#setTimer(timeoutMs, new TextWorkerError('gave_up', `not done in ${timeoutMs} ms`))
  }

  #finish(answer: Exclude<JobAnswer, 'begun'>): void {
    const done = this.#current
    this.#current = undefined
    if ('output' in answer) done?.resolve(answer.output)
    else done?.reject(new TextWorkerError('gave_up', answer.failure))
    this.#next()
  }

  /** Ends the thread, and with `error` the job that it is at. */
  #end(error: TextWorkerError | undefined): void {
    clearTimeout(this.#timer)
    const worker = this.#worker
    const current = this.#current
    this.#worker = undefined
    this.#current = undefined
    if (worker) this.#ending = Promise.all([this.#ending, worker.terminate()])
    current?.reject(error ?? new TextWorkerError('stopped', 'the thread was ended'))
  }
}
