/** Appends to the trail and prunes its oldest entries, each in one transaction that also moves the ends. */
import type { Database } from '../platform/database/database.ts'
import { isOutdated } from '../platform/database/database-fault.ts'
import type { Lease } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { type AuditChain, brokenSeal, type TrailEnds, type TrailPlace } from './audit-chain.ts'
import type { NewAuditRow } from './audit-entry.ts'
import type { AuditStore } from './audit-store.ts'
import type { AuditChainRow } from './audit-tables.ts'
import type { HeadKeeper } from './head-keeper.ts'
import { brokenEnds } from './trail-beginning.ts'

/** The result of one pruning. */
export interface Forgotten {
  /** Numbers of the first and the last pruned entry. */
  from: number
  to: number
  entries: number
  /** False if they were not as they had been written. */
  isWhole: boolean
}

export interface AuditTrailOptions {
  store: AuditStore
  chain: AuditChain
  logger: Logger
  now?: () => number
  /** Notified how far the trail has got; undefined if no file is kept. */
  keeper?: Pick<HeadKeeper, 'saved' | 'moved'> | undefined
}

const nowhere: TrailPlace = { number: 0, hash: '' }

export class AuditTrail {
  readonly #store: AuditStore
  readonly #chain: AuditChain
  readonly #logger: Logger
  readonly #now: () => number
  readonly #keeper: AuditTrailOptions['keeper']
  #written = nowhere
  #trailId: string | undefined
  /** The ends as this process left them, with an intact seal. Only the database knows whether they still are. */
  #left: AuditChainRow | undefined
  /** A batch that may or may not be committed: the connection can break before the commit is confirmed. */
  #attempted: { rows: readonly NewAuditRow[]; end: TrailPlace } | undefined
  #isFaultReported = false

  constructor({ store, chain, logger, now = Date.now, keeper }: AuditTrailOptions) {
    this.#store = store
    this.#chain = chain
    this.#logger = logger
    this.#now = now
    this.#keeper = keeper
  }

  /** Sets the place at which the trail was found: from here on it only grows. */
  resume({ trail_id, newest, newest_hash }: TrailEnds): void {
    this.#trailId = trail_id
    this.#written = { number: newest, hash: newest_hash }
  }

  /** The newest entry that this process has written or started after: it must still exist, unless it was pruned. */
  get written(): TrailPlace {
    return this.#written
  }

  /** Appends all entries in order, or none. To retry, pass the same list: what was committed is not written twice. */
  async append(rows: readonly NewAuditRow[]): Promise<TrailPlace> {
    const end = (await this.#appendUnread(rows)) ?? (await this.#appendRead(rows))
    this.#attempted = undefined
    this.resume(end)
    this.#keeper?.moved(end)
    return this.#written
  }

  /**
   * Appends after the ends as this process left them: a transaction without reads is one message to SQLite's thread,
   * and every change waits for it. Undefined, with nothing written, if another process changed the ends.
   */
  async #appendUnread(rows: readonly NewAuditRow[]): Promise<TrailEnds | undefined> {
    const before = this.#left
    if (!before || this.#attempted) return undefined
    const place = { number: before.newest, hash: before.newest_hash }
    const entries = this.#chain.link(place, rows)
    const last = entries.at(-1) ?? place
    this.#left = undefined
    this.#attempted = { rows, end: { number: last.number, hash: last.hash } }
    const { id: _always, seal: _old, ...ends } = before
    const after = this.#endsBehind(ends, last)
    const left = { id: 1, ...after, seal: this.#chain.seal(after) }
    try {
      await this.#store.transact(async transaction => {
        await this.#store.moveEnds(transaction, before, left)
        await this.#store.insert(transaction, entries)
      })
    } catch (error) {
      if (!isOutdated(error)) throw error
      this.#attempted = undefined
      return undefined
    }
    this.#left = left
    return after
  }

  async #appendRead(rows: readonly NewAuditRow[]): Promise<TrailEnds> {
    return this.#change(async (transaction, ends, breakSeal, newestEntry) => {
      if (this.#attempted?.rows === rows && (await this.#isThere(transaction, this.#attempted.end))) return undefined
      const beyond = newestEntry > ends.newest ? await this.#store.findNewest(transaction) : undefined
      // A foreign entry; it must not block those that follow.
      if (beyond) breakSeal()
      const place = beyond ?? { number: ends.newest, hash: ends.newest_hash }
      const entries = this.#chain.link(place, rows)
      const last = entries.at(-1) ?? place
      this.#attempted = { rows, end: { number: last.number, hash: last.hash } }
      await this.#store.insert(transaction, entries)
      return this.#endsBehind(ends, last)
    })
  }

  #endsBehind(ends: TrailEnds, last: TrailPlace): TrailEnds {
    const head_number = Math.max(ends.head_number, this.#keeper?.saved ?? 0)
    return { ...ends, newest: last.number, newest_hash: last.hash, head_number }
  }

  /**
   * Prunes the oldest entries up to a number, `most` at a time. They are verified once more: backdating entries to have
   * them pruned leaves a broken seal.
   */
  async forget(upTo: number, most: number, lease?: Lease): Promise<Forgotten | undefined> {
    let forgotten: Forgotten | undefined
    await this.#change(async (transaction, ends, breakSeal) => {
      await lease?.fence(transaction)
      const before = Math.min(upTo, ends.newest) + 1
      const rows = await this.#store.list({ after: ends.forgotten_to, before, limit: most }, transaction)
      const [first, last] = [rows[0], rows.at(-1)]
      if (!first || !last) return undefined
      const isWhole = this.#chain.isLinked({ number: ends.forgotten_to, hash: ends.forgotten_hash }, rows)
      if (!isWhole) breakSeal()
      await this.#store.removeUpTo(transaction, last.number)
      forgotten = { from: first.number, to: last.number, entries: rows.length, isWhole }
      return { ...ends, forgotten_to: last.number, forgotten_hash: last.hash }
    })
    return forgotten
  }

  /** Works on the locked ends. A wrong seal is never replaced by a valid one, but by `brokenSeal`. */
  async #change(
    work: (
      transaction: Database,
      ends: TrailEnds,
      breakSeal: () => void,
      newestEntry: number,
    ) => Promise<TrailEnds | undefined>,
  ): Promise<TrailEnds> {
    this.#left = undefined
    const { ends, left } = await this.#store.transact(async transaction => {
      const locked = (await this.#store.lockWithNewest(transaction)) ?? (await this.#restoreEnds(transaction))
      const { row, newestEntry } = locked
      let isWhole = this.#chain.isSealed(row) && this.#reaches(row)
      const { id: _always, seal: _old, ...ends } = row
      const breakSeal = () => {
        isWhole = false
      }
      const changed = await work(transaction, ends, breakSeal, newestEntry)
      if (!isWhole) this.#reportFault()
      if (!changed) return { ends, left: undefined }
      const left = { id: 1, ...changed, seal: isWhole ? this.#chain.seal(changed) : brokenSeal }
      await this.#store.saveEnds(transaction, left)
      return { ends: changed, left: isWhole ? left : undefined }
    })
    this.#left = left
    return ends
  }

  /** Restores ends that someone deleted, since they exist from the first start on. */
  async #restoreEnds(transaction: Database): Promise<{ row: AuditChainRow; newestEntry: number }> {
    await this.#store.insertEnds(transaction, await brokenEnds(transaction, { store: this.#store, now: this.#now }))
    const row = await this.#store.lockWithNewest(transaction)
    if (!row) throw new Error('the audit trail has no ends')
    return row
  }

  /** Returns false for an older state of the database, restored with its seal: it lacks what this process wrote. */
  #reaches({ trail_id, newest, newest_hash }: AuditChainRow): boolean {
    const { number, hash } = this.#written
    if (this.#trailId !== undefined && trail_id !== this.#trailId) return false
    return newest > number || (newest === number && newest_hash === hash)
  }

  async #isThere(transaction: Database, { number, hash }: TrailPlace): Promise<boolean> {
    return (await this.#store.find(number, transaction))?.hash === hash
  }

  #reportFault(): void {
    if (this.#isFaultReported) return
    this.#isFaultReported = true
    this.#logger.error({}, 'the audit trail was changed by someone else, or sealed with another key: verify it')
  }
}
