/** A thread of `TextWorker`: started on demand, terminated when a job exceeds its limits or when idle. */
import type { Worker } from 'node:worker_threads'
import { startThread, threadProgram } from '../platform/start-thread.ts'
import type { JobAnswer, JobMessage } from './text-jobs.ts'

export interface ThreadBounds {
  /** CPU time per job in milliseconds from its start. On a busy machine it may take `patience` times as long. */
  timeoutMs: number
  /** Timeout for starting the thread and loading what the job needs. */
  startMs: number
  /** Maximum heap of the thread. */
  maxMemoryMb: number
  /**
   * Idle time after which the thread ends. Starting one takes about 100 ms, which readers should not wait for each
   * time.
   */
  idleMs: number
  /** The file that the thread runs. */
  thread: string
}

/** Why a job failed. Only `gave_up` is caused by the text: the same text would fail again. */
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

/** Maximum wall-clock time as a multiple of the CPU time: threads run at background priority and may have to wait. */
const patience = 4

export const defaultThread = threadProgram(import.meta, 'text-worker-thread')

export class JobThread {
  readonly #bounds: ThreadBounds
  readonly #freed: () => void
  /** Terminated by `#end` only. */
  #worker: Worker | undefined
  #current: ThreadJob | undefined
  #timer: NodeJS.Timeout | undefined
  #ending: Promise<unknown> = Promise.resolve()

  /** @param freed Called when a job is over, so that the next may start. */
  constructor(bounds: ThreadBounds, freed: () => void) {
    this.#bounds = bounds
    this.#freed = freed
  }

  /** True while the thread exists. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  get isBusy(): boolean {
    return this.#current !== undefined
  }

  /** Runs a job; only allowed while not busy. */
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
    // Events of a terminated thread are ignored.
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

  /** Terminates the job when it has used its CPU time. */
  async #watch(worker: Worker, job: ThreadJob | undefined, began: number): Promise<void> {
    const { timeoutMs } = this.#bounds
    const gaveUp = new TextWorkerError('gave_up', `not done in ${timeoutMs} ms`)
    this.#setTimer(timeoutMs * patience, gaveUp)
    const before = await spentMs(worker)
    const look = async (): Promise<void> => {
      const spent = (await spentMs(worker)) - before
      if (job !== this.#current || worker !== this.#worker) return
      const left = began + timeoutMs * patience - performance.now()
      // Time that cannot be measured counts as used.
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

  /** Terminates the thread, and rejects its current job with `error`. */
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

/** Returns the CPU time of a thread; NaN when it has ended. */
async function spentMs(worker: Worker): Promise<number> {
  const { user, system } = await worker.cpuUsage().catch(() => ({ user: Number.NaN, system: 0 }))
  return (user + system) / 1000
}
