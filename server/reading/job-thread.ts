/** One thread of a `TextWorker`: started for its first job, ended with a job that takes too much, and when there is nothing to do. */
import type { Worker } from 'node:worker_threads'
import { startThread, threadProgram } from '../platform/start-thread.ts'
import type { JobAnswer, JobMessage } from './text-jobs.ts'

export interface ThreadBounds {
  /** Processor time for one job, from when it has begun: only this is up to the text. On a busy machine it may take `patience` times as long. */
  timeoutMs: number
  /** For what comes before it: starting the thread, and loading what the job needs. */
  startMs: number
  /** Heap of the thread. */
  maxMemoryMb: number
  /** After so long without work the thread ends. To start one takes some 100 ms, which readers of mail should not wait for each time. */
  idleMs: number
  /** The file that the thread runs. */
  thread: string
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

export interface ThreadJob {
  message: JobMessage
  resolve(output: unknown): void
  reject(error: unknown): void
}

/** How many times its processor time a job may last by the clock: other programs may have the processor, since threads are polite. */
const patience = 4

export const defaultThread = threadProgram(import.meta, 'text-worker-thread')

export class JobThread {
  readonly #bounds: ThreadBounds
  readonly #freed: () => void
  /** What stands here is ended by `#end` alone. */
  #worker: Worker | undefined
  #current: ThreadJob | undefined
  #timer: NodeJS.Timeout | undefined
  #ending: Promise<unknown> = Promise.resolve()

  /** @param freed Called when a job is over, and another one may come. */
  constructor(bounds: ThreadBounds, freed: () => void) {
    this.#bounds = bounds
    this.#freed = freed
  }

  /** Whether there is a thread at this moment. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  get isBusy(): boolean {
    return this.#current !== undefined
  }

  /** Only while it is not busy. */
  run(job: ThreadJob): void {
    this.#current = job
    const { startMs } = this.#bounds
    this.#setTimer(startMs, new TextWorkerError('busy', `not begun in ${startMs} ms`))
    this.#worker ??= this.#start()
    this.#worker.postMessage(job.message)
  }

  async stop(error: TextWorkerError): Promise<void> {
    this.#end(error)
    await this.#ending
  }

  #setTimer(ms: number, error: TextWorkerError | undefined): void {
    this.#after(ms, () => this.#end(error))
  }

  #after(ms: number, work: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(work, ms).unref()
  }

  #start(): Worker {
    const { thread, maxMemoryMb } = this.#bounds
    const worker = startThread(thread, {
      workerData: undefined,
      resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb },
      priority: 'background',
    })
    // What happens to a thread that was ended no longer matters.
    const isCurrent = () => worker === this.#worker
    worker.on('message', (answer: JobAnswer) => {
      if (isCurrent()) this.#take(answer)
    })
    worker.on('error', error => {
      if (isCurrent()) this.#end(new TextWorkerError('gave_up', error.message))
    })
    worker.on('exit', () => {
      if (isCurrent()) this.#end(new TextWorkerError('gave_up', 'the thread ended'))
    })
    return worker
  }

  #take(answer: JobAnswer): void {
    if (answer !== 'begun') return this.#finish(answer)
    const worker = this.#worker
    if (worker) void this.#watch(worker, this.#current, performance.now())
  }

  /** Ends the job when it has had its processor time. */
  async #watch(worker: Worker, job: ThreadJob | undefined, began: number): Promise<void> {
    const { timeoutMs } = this.#bounds
    const gaveUp = new TextWorkerError('gave_up', `not done in ${timeoutMs} ms`)
    this.#setTimer(timeoutMs * patience, gaveUp)
    const before = await spentMs(worker)
    const look = async (): Promise<void> => {
      const spent = (await spentMs(worker)) - before
      if (job !== this.#current || worker !== this.#worker) return
      const left = began + timeoutMs * patience - performance.now()
      // What cannot be measured counts as spent.
      if (!(spent < timeoutMs * 0.95) || left <= 0) return this.#end(gaveUp)
      this.#after(Math.min(left, Math.max(50, timeoutMs - spent)), () => void look())
    }
    if (job === this.#current && worker === this.#worker) this.#after(timeoutMs, () => void look())
  }

  #finish(answer: Exclude<JobAnswer, 'begun'>): void {
    const done = this.#current
    this.#current = undefined
    this.#setTimer(this.#bounds.idleMs, undefined)
    if ('output' in answer) done?.resolve(answer.output)
    else done?.reject(new TextWorkerError('gave_up', answer.failure))
    this.#freed()
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
    this.#freed()
  }
}

/** Processor time of a thread; NaN when it has ended. */
async function spentMs(worker: Worker): Promise<number> {
  const { user, system } = await worker.cpuUsage().catch(() => ({ user: Number.NaN, system: 0 }))
  return (user + system) / 1000
}
