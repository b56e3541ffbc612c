/**
 * Keeps `audit.head` close to the end of the trail, with at most one write per second. While file and database
 * contradict each other, it leaves the file as it is, since that is the evidence.
 */
import type { Logger } from '../platform/logger.ts'
import type { TrailEnds } from './audit-chain.ts'
import type { AuditStore } from './audit-store.ts'
import type { Fault } from './audit-verdict.ts'
import { judgeHead } from './head-judgement.ts'
import type { TrailHead } from './trail-head.ts'

export interface HeadKeeperOptions {
  head: TrailHead
  store: Pick<AuditStore, 'find' | 'findEnds'>
  logger: Logger
  now: () => number
}

type Place = Pick<TrailEnds, 'trail_id' | 'newest' | 'newest_hash'>

/** How far the file may lag behind, in ms, plus the time of a write. */
export const headEveryMs = 1_000

export class HeadKeeper {
  readonly #options: HeadKeeperOptions
  /** The end of the trail; undefined before the first entry of this process. */
  #wanted: Place | undefined
  #saved = 0
  /** True if the file must not be written: it was not compared yet, or contradicts the database. */
  #isHeld = true
  #savedAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #saving: Promise<void> | undefined
  #hasFailed = false
  #isStopped = false

  constructor(options: HeadKeeperOptions) {
    this.#options = options
  }

  /** The number of the newest entry that the file is known to contain. */
  get saved(): number {
    return this.#saved
  }

  /** Compares file and database as they were left. A fault stays until a user accepts it. */
  async start(): Promise<Fault | undefined> {
    const { head, store } = this.#options
    const reading = await head.read()
    const ends = await store.findEnds()
    if (!ends) return undefined
    const fault = await judgeHead({ early: reading, ends, late: reading }, store)
    this.#isHeld = fault !== undefined || reading.kind !== 'ours'
    if (!this.#isHeld && reading.kind === 'ours') this.#saved = reading.head.newest
    // Writes what a crash left out.
    if (!this.#isHeld) this.moved(ends)
    return fault
  }

  /** Called when the trail has been committed up to this place. */
  moved({ trail_id, newest, newest_hash }: Place): void {
    this.#wanted = { trail_id, newest, newest_hash }
    this.#schedule()
  }

  /** Writes what is pending now. Never rejects: a failed write is retried a second later. */
  async flush(): Promise<void> {
    // A write in flight may have begun before the newest entry.
    await this.#saving
    if (this.#isHeld || !this.#isBehind) return
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined
      this.#schedule()
    })
    await this.#saving
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.flush()
  }

  get #isBehind(): boolean {
    return this.#wanted !== undefined && this.#wanted.newest > this.#saved
  }

  #schedule(): void {
    if (this.#isStopped || this.#isHeld || !this.#isBehind || this.#saving || this.#timer) return
    const waitMs = Math.max(0, this.#savedAtMs + headEveryMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.flush()
    }, waitMs).unref()
  }

  async #save(): Promise<void> {
    const { head, logger, now } = this.#options
    const place = this.#wanted
    if (!place) return
    this.#savedAtMs = performance.now()
    try {
      await head.save({ ...place, at: new Date(now()).toISOString() })
      this.#saved = place.newest
      if (this.#hasFailed) logger.info({}, 'the head of the audit trail can be written again')
      this.#hasFailed = false
    } catch (err) {
      if (!this.#hasFailed) logger.error({ err }, 'the head of the audit trail could not be written; retrying')
      this.#hasFailed = true
    }
  }
}
