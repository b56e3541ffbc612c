/** Appends to the trail and forgets its oldest entries, each in one transaction that moves the ends too. */
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

/** What was forgotten at once. */
export interface Forgotten {
  /** Numbers of the first and the last of them. */
  from: number
  to: number
  entries: number
  /** False when they were not as they had been written. */
  isWhole: boolean
}

export interface AuditTrailOptions {
  store: AuditStore
  chain: AuditChain
  logger: Logger
  now?: () => number
  /** Hears how far the trail has got; undefined where no file is kept. */
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
  /** The ends as this process has left them, with a seal that is whole. Whether they still are so is for the database to say. */
  #left: AuditChainRow | undefined
  /** Not known to be committed: the connection may break when it is, and before that is heard. */
  #attempted: { rows: readonly NewAuditRow[]; end: TrailPlace } | undefined
  #isFaultTold = false

  constructor({ store, chain, logger, now = Date.now, keeper }: AuditTrailOptions) {
    this.#store = store
    this.#chain = chain
    this.#logger = logger
    this.#now = now
    this.#keeper = keeper
  }

  /** Where it was found at the start: from here on it can only grow. */
  resume({ trail_id, newest, newest_hash }: TrailEnds): void {
    this.#trailId = trail_id
    this.#written = { number: newest, hash: newest_hash }
  }

  /** The newest entry that this process has written or begun behind: the trail must still hold it, unless it was forgotten. */
  get written(): TrailPlace {
    return this.#written
  }

  /** All of them, in order, or none. To try again, give the same list: what was committed after all is not written twice. */
  async append(rows: readonly NewAuditRow[]): Promise<TrailPlace> {
    const end = (await this.#appendUnread(rows)) ?? (await this.#appendRead(rows))
    this.#attempted = undefined
    this.resume(end)
    this.#keeper?.moved(end)
    return this.#written
  }

  /**
   * Behind the ends as this process has left them: a transaction that reads nothing is a single message to the thread of SQLite, and each
   * change of anything waits for it. Undefined where somebody else changed them, and nothing is written.
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
      // Someone added it; it must not stand in the way of what follows.
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
   * Forgets the oldest entries up to a number, so many at most. They are looked at once more: who puts old dates on entries, to
   * have them forgotten, leaves a broken seal.
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

  /** Works on the locked ends. A seal that is not ours is never made ours: it is broken from then on. */
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
      if (!isWhole) this.#tellFault()
      if (!changed) return { ends, left: undefined }
      const left = { id: 1, ...changed, seal: isWhole ? this.#chain.seal(changed) : brokenSeal }
      await this.#store.saveEnds(transaction, left)
      return { ends: changed, left: isWhole ? left : undefined }
    })
    this.#left = left
    return ends
  }

  /** Someone took the ends away, which were there since the first start. */
  async #restoreEnds(transaction: Database): Promise<{ row: AuditChainRow; newestEntry: number }> {
    await this.#store.insertEnds(transaction, await brokenEnds(transaction, { store: this.#store, now: this.#now }))
    const row = await this.#store.lockWithNewest(transaction)
    if (!row) throw new Error('the audit trail has no ends')
    return row
  }

  /** An older state of the database, put back with its seal, does not hold what this process has written. */
  #reaches({ trail_id, newest, newest_hash }: AuditChainRow): boolean {
    const { number, hash } = this.#written
    if (this.#trailId !== undefined && trail_id !== this.#trailId) return false
    return newest > number || (newest === number && newest_hash === hash)
  }

  async #isThere(transaction: Database, { number, hash }: TrailPlace): Promise<boolean> {
    return (await this.#store.find(number, transaction))?.hash === hash
  }

  #tellFault(): void {
    if (this.#isFaultTold) return
    this.#isFaultTold = true
    this.#logger.error({}, 'the audit trail was changed by someone else, or sealed with another key: verify it')
  }
}
