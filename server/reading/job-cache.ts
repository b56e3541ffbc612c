/**
 * Deduplicates text jobs of one kind by content: jobs in flight are shared, and failed content is not retried. Results
 * are cached with their message, see `message-cache.ts`.
 */
import { createHash } from 'node:crypto'
import { Problem } from '../platform/problem.ts'
import { TextWorkerError } from './job-thread.ts'
import type { TextJob, TextJobs } from './text-jobs.ts'
import type { TextWorker } from './text-worker.ts'

/** Why there is no result. `busy` is transient; `gave_up` is permanent for this content. */
export type NoOutcome = 'gave_up' | 'busy'

/** The caller of a job. */
export interface Requester {
  /** Fairness key: each key gets its turn, see `JobQueue`. */
  key: string
  /** Cancels a job that has not begun, unless other callers wait for it. */
  signal: AbortSignal
}

/** A kind of job, and how its inputs are identified. */
export interface JobKind<Job extends TextJob> {
  job: Job
  /** Returns all of the input in a fixed order. */
  contentOf(input: TextJobs[Job]['input']): (string | Uint8Array)[]
}

/**
 * Failed contents remembered, since each would occupy the worker up to its timeout again; above it the oldest is
 * evicted.
 */
const maxGivenUp = 1_000

export class JobCache<Job extends TextJob> {
  readonly #worker: Pick<TextWorker, 'run'>
  readonly #kind: JobKind<Job>
  readonly #givenUp = new Set<string>()
  readonly #underWay = new Map<string, SharedJob<TextJobs[Job]['output'] | NoOutcome>>()

  constructor(worker: Pick<TextWorker, 'run'>, kind: JobKind<Job>) {
    this.#worker = worker
    this.#kind = kind
  }

  /** @throws Problem draining */
  async run(input: TextJobs[Job]['input'], { key, signal }: Requester): Promise<TextJobs[Job]['output'] | NoOutcome> {
    const hash = hashOf(this.#kind.contentOf(input))
    // Jobs are shared within a key only, so that no caller waits in another's queue.
    const name = `${hash} ${key}`
    for (;;) {
      if (this.#givenUp.has(hash)) return 'gave_up'
      const job = this.#underWay.get(name) ?? this.#start(name, hash, input, key)
      try {
        return await job.join(signal)
      } catch (error) {
        // The job was cancelled for others just when this caller joined.
        if (!job.isTakenBack || signal.aborted) throw error
      }
    }
  }

  #start(
    name: string,
    hash: string,
    input: TextJobs[Job]['input'],
    key: string,
  ): SharedJob<TextJobs[Job]['output'] | NoOutcome> {
    const job = new SharedJob(signal =>
      this.#work(hash, input, { key, signal }).finally(() => this.#underWay.delete(name)),
    )
    this.#underWay.set(name, job)
    return job
  }

  async #work(
    hash: string,
    input: TextJobs[Job]['input'],
    requester: Requester,
  ): Promise<TextJobs[Job]['output'] | NoOutcome> {
    try {
      return await this.#worker.run(this.#kind.job, input, requester)
    } catch (error) {
      if (!(error instanceof TextWorkerError)) throw error
      if (error.fault === 'stopped') throw new Problem('draining', 'RustyMail is shutting down.')
      if (error.fault === 'gave_up') this.#giveUp(hash)
      return error.fault
    }
  }

  #giveUp(hash: string): void {
    this.#givenUp.add(hash)
    const [oldest] = this.#givenUp
    if (oldest !== undefined && this.#givenUp.size > maxGivenUp) this.#givenUp.delete(oldest)
  }
}

function hashOf(content: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  // Lengths are hashed too, so that the boundaries between pieces are unambiguous.
  for (const piece of content) hash.update(`${piece.length} `).update(piece)
  return hash.digest('base64')
}

/** A job shared by several callers: it is cancelled only when the last of them has left. */
export class SharedJob<Outcome> {
  readonly #gone = new AbortController()
  readonly #outcome: Promise<Outcome>
  #requesters = 0

  /** @param start Begins the job; its signal cancels it. */
  constructor(start: (signal: AbortSignal) => Promise<Outcome>) {
    this.#outcome = start(this.#gone.signal)
  }

  get isTakenBack(): boolean {
    return this.#gone.signal.aborted
  }

  /** @throws The signal's reason as soon as it is aborted. */
  async join(signal: AbortSignal): Promise<Outcome> {
    const left = Promise.withResolvers<never>()
    const leave = () => {
      left.reject(signal.reason)
      if (--this.#requesters === 0) this.#gone.abort(signal.reason)
    }
    this.#requesters++
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([left.promise, this.#outcome])
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }
}

/** Jobs in flight by name, each run once for all callers that request it meanwhile. */
export class SharedJobs<Outcome> {
  readonly #underWay = new Map<string, SharedJob<Outcome>>()

  /** @throws The signal's reason as soon as it is aborted. */
  async run(name: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
    for (;;) {
      signal.throwIfAborted()
      const job = this.#underWay.get(name) ?? this.#start(name, start)
      try {
        return await job.join(signal)
      } catch (error) {
        // The job was cancelled for others just when this caller joined.
        if (!job.isTakenBack || signal.aborted) throw error
      }
    }
  }

  #start(name: string, start: (signal: AbortSignal) => Promise<Outcome>): SharedJob<Outcome> {
    const job: SharedJob<Outcome> = new SharedJob(signal =>
      start(signal).finally(() => {
        if (this.#underWay.get(name) === job) this.#underWay.delete(name)
      }),
    )
    this.#underWay.set(name, job)
    return job
  }
}
