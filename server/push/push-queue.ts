/**
 * Notifications in flight to push services: bounded, retried when a service asks for that, and with few concurrent
 * requests per service, so that a slow one delays no other. The queue is in memory: what is lost with the process is
 * caught up at the next start.
 */
import type { Logger } from '../platform/logger.ts'
import type { PushOutcome } from './push-sender.ts'

export interface PushJob {
  /** A later job replaces a waiting one with the same key. */
  key: string
  /** The origin of its push service. */
  origin: string
  /** Called for each attempt; undefined if there is nothing left to say. */
  attempt(signal: AbortSignal): Promise<PushOutcome | undefined>
}

/** The outcome of a notification, for metrics. */
export type PushResult = 'sent' | 'retried' | 'gone' | 'refused' | 'dropped'

export interface PushQueueOptions {
  observe(result: PushResult): void
  logger: Logger
  /** Pauses before the second attempt, the third and so on. */
  delaysMs?: readonly number[]
  bounds?: { waiting: number; perOrigin: number; inAll: number }
}

interface Entry {
  job: PushJob
  failures: number
  /** On the clock of `performance.now()`. */
  dueAt: number
}

const defaultDelaysMs = [5_000, 30_000, 120_000, 600_000]
const defaultBounds = { waiting: 1_000, perOrigin: 4, inAll: 32 }

export class PushQueue {
  readonly #options: PushQueueOptions
  readonly #delaysMs: readonly number[]
  readonly #bounds: NonNullable<PushQueueOptions['bounds']>
  readonly #waiting = new Map<string, Entry>()
  readonly #running = new Map<Promise<void>, string>()
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(options: PushQueueOptions) {
    this.#options = options
    this.#delaysMs = options.delaysMs ?? defaultDelaysMs
    this.#bounds = options.bounds ?? defaultBounds
  }

  /** Drops the job if the queue is full or stopped. */
  add(job: PushJob): void {
    const isNew = !this.#waiting.has(job.key)
    if (this.#stopped.signal.aborted || (isNew && this.#waiting.size >= this.#bounds.waiting)) {
      this.#options.observe('dropped')
      return
    }
    this.#waiting.set(job.key, { job, failures: 0, dueAt: performance.now() })
    this.#work()
  }

  /** Forgets waiting jobs, because another process has taken over. */
  clear(): void {
    this.#waiting.clear()
  }

  /** Resolves when no attempt is in flight. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    clearTimeout(this.#timer)
    this.clear()
    await Promise.all(this.#running.keys())
  }

  #work(): void {
    clearTimeout(this.#timer)
    if (this.#stopped.signal.aborted) return
    const now = performance.now()
    const busy = new Map<string, number>()
    for (const origin of this.#running.values()) busy.set(origin, (busy.get(origin) ?? 0) + 1)
    let next = Infinity
    for (const entry of [...this.#waiting.values()]) {
      const { origin, key } = entry.job
      if (entry.dueAt > now) {
        next = Math.min(next, entry.dueAt)
        continue
      }
      if (this.#running.size >= this.#bounds.inAll) break
      const own = busy.get(origin) ?? 0
      if (own >= this.#bounds.perOrigin) continue
      busy.set(origin, own + 1)
      this.#waiting.delete(key)
      const run = this.#run(entry).finally(() => {
        this.#running.delete(run)
        this.#work()
      })
      this.#running.set(run, origin)
    }
    if (next < Infinity) this.#timer = setTimeout(() => this.#work(), next - now)
  }

  /** Makes one attempt. Never rejects. */
  async #run(entry: Entry): Promise<void> {
    const { observe, logger } = this.#options
    const outcome = await entry.job.attempt(this.#stopped.signal).catch((err: unknown): PushOutcome => {
      logger.error({ err }, 'a notification could not be prepared')
      return { kind: 'retry', why: 'It could not be prepared.', afterMs: undefined }
    })
    if (!outcome || this.#stopped.signal.aborted) return
    if (outcome.kind !== 'retry') return observe(outcome.kind)
    const delay = this.#delaysMs[entry.failures]
    // A later job has replaced it.
    if (this.#waiting.has(entry.job.key)) return
    if (delay === undefined) return observe('dropped')
    observe('retried')
    const { job, failures } = entry
    this.#waiting.set(job.key, {
      job,
      failures: failures + 1,
      dueAt: performance.now() + (outcome.afterMs ?? delay),
    })
  }
}
