/**
 * Runs jobs on strangers' texts on separate threads, so that an expensive text delays neither the main thread nor other
 * callers.
 */
import { availableParallelism } from 'node:os'
import { JobQueue, type QueueBounds } from './job-queue.ts'
import { defaultThread, JobThread, TextWorkerError, type ThreadBounds, type ThreadJob } from './job-thread.ts'
import type { TextJob, TextJobs } from './text-jobs.ts'

export interface TextWorkerOptions extends Partial<QueueBounds>, Partial<ThreadBounds> {
  /** Maximum number of threads, which are started on demand. */
  threads?: number
}

export interface JobOptions {
  /** Fairness key: keys are served round-robin, and one thread is reserved, so that no key occupies all threads. */
  key: string
  /** Cancels a job that has not begun; a running one completes. */
  signal?: AbortSignal
}

/** At least two even on one or two processors, so that one caller cannot occupy all threads. */
const [leastThreads, mostThreads] = [2, 4]

export class TextWorker {
  readonly #waiting: JobQueue<ThreadJob>
  readonly #threads: readonly JobThread[]
  /** Number of running jobs by key. */
  readonly #running = new Map<string, number>()
  readonly #mostOfKey: number
  #isStopped = false

  constructor({
    maxWaiting = 96,
    maxWaitingPerKey = 24,
    timeoutMs = 5_000,
    startMs = 10_000,
    maxMemoryMb = 192,
    idleMs = 60_000,
    thread = defaultThread,
    threads = Math.min(mostThreads, Math.max(leastThreads, availableParallelism() - 1)),
  }: TextWorkerOptions = {}) {
    this.#waiting = new JobQueue({ maxWaiting, maxWaitingPerKey })
    const bounds = { timeoutMs, startMs, maxMemoryMb, idleMs, thread }
    this.#threads = Array.from({ length: threads }, () => new JobThread(bounds, () => this.#next()))
    this.#mostOfKey = Math.max(1, threads - 1)
  }

  /** Current number of threads. */
  get running(): number {
    return this.#threads.filter(({ isRunning }) => isRunning).length
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
    for (let next = this.#waiting.take(); next; next = this.#waiting.take()) next.job.reject(error)
    await Promise.all(this.#threads.map(thread => thread.stop(error)))
  }

  #next(): void {
    for (;;) {
      // Prefers a running thread, which need not be started.
      const free = this.#threads.filter(({ isBusy }) => !isBusy)
      const thread = free.find(({ isRunning }) => isRunning) ?? free[0]
      const next = thread && this.#waiting.take(key => this.#countOf(key) < this.#mostOfKey)
      if (!next) return
      const { key, job } = next
      this.#running.set(key, this.#countOf(key) + 1)
      thread.run({
        message: job.message,
        resolve: output => {
          this.#over(key)
          job.resolve(output)
        },
        reject: error => {
          this.#over(key)
          job.reject(error)
        },
      })
    }
  }

  #countOf(key: string): number {
    return this.#running.get(key) ?? 0
  }

  #over(key: string): void {
    const left = this.#countOf(key) - 1
    if (left > 0) this.#running.set(key, left)
    else this.#running.delete(key)
  }
}
