/**
 * This process's leases on loops that only one process may run. One statement renews all. A lease says who may act; its
 * fencing token, checked in the writing transaction, stops a process that lost it unnoticed.
 */
import { randomUUID } from 'node:crypto'
import type { Database } from '../platform/database/database.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { LeaseStore } from './lease-store.ts'

export interface LeaseServiceOptions {
  store: LeaseStore
  /**
   * True if a lock on the database keeps other processes out. The previous holder is then gone, so leases are taken
   * over immediately, and kept while the database is silent.
   */
  isAlone: boolean
  /** False if no other process can look, as on SQLite, where each lease is written once. */
  renews: boolean
  times?: LeaseTimes
  logger: Logger
}

export interface LeaseTimes {
  /** How long a lease lasts after its last renewal, in ms. */
  leaseMs: number
  renewEveryMs: number
  /** How long before its end a lease is no longer used, in ms, so that writes in transit arrive in time. */
  marginMs: number
}

export interface LeaseListener {
  won?(lease: Lease): void
  lost?(): void
}

/** A loop's claim to a lease, which may be won and lost. */
export interface LeaseClaim {
  find(): Lease | undefined
  /** @param isOver True if nobody will want a lease of this name again. */
  giveBack(isOver?: boolean): Promise<void>
}

interface Wanted extends LeaseListener {
  readonly name: string
  lease: Lease | undefined
  /** Undefined while the database does not know of it. */
  token: number | undefined
  /** On the monotonic clock. */
  endsAt: number
}

const defaultTimes: LeaseTimes = { leaseMs: 30_000, renewEveryMs: 10_000, marginMs: 2_000 }
/** Leases per statement. */
const batchSize = 500

export class LeaseService {
  readonly #options: LeaseServiceOptions
  readonly #times: LeaseTimes
  readonly #holder = randomUUID()
  readonly #wanted = new Map<string, Wanted>()
  readonly #stopped = new AbortController()
  #isStarted = false
  #round: Promise<void> | undefined
  /** True if another round must follow the current one. */
  #isRoundWanted = false
  #isFailing = false
  #ending: NodeJS.Timeout | undefined

  constructor(options: LeaseServiceOptions) {
    this.#options = options
    this.#times = options.times ?? defaultTimes
  }

  /** Acquires what was wanted before, unless another process has it or the database accepts no writes. */
  async start(): Promise<void> {
    const { store, isAlone, renews, logger } = this.#options
    if (isAlone) await store.releaseAll().catch((err: unknown) => this.#reportFault(err))
    this.#isStarted = true
    await this.#runRound(false)
    const failed = (err: unknown) => logger.error({ err }, 'leases could not be maintained')
    every(this.#times.renewEveryMs, this.#stopped.signal, () => void this.#runRound(renews), failed)
  }

  /** Releases all leases, so that others can take over immediately. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    clearTimeout(this.#ending)
    await this.#round
    this.#wanted.clear()
    if (this.#isStarted) await this.#options.store.release(this.#holder).catch((err: unknown) => this.#reportFault(err))
  }

  /** Wants a lease until it is given back. The listener is notified of it, perhaps before this returns. */
  want(name: string, listener: LeaseListener = {}): LeaseClaim {
    if (this.#wanted.has(name)) throw new Error(`the lease ${name} is already claimed`)
    const wanted: Wanted = { ...listener, name, lease: undefined, token: undefined, endsAt: 0 }
    this.#wanted.set(name, wanted)
    if (this.#options.isAlone) this.#grant(wanted)
    if (this.#isStarted) void this.#runRound(false)
    return { find: () => this.#find(wanted), giveBack: isOver => this.#giveBack(wanted, isOver ?? false) }
  }

  #find(wanted: Wanted): Lease | undefined {
    const isInTime = this.#options.isAlone || performance.now() < wanted.endsAt - this.#times.marginMs
    return isInTime ? wanted.lease : undefined
  }

  async #giveBack(wanted: Wanted, isOver: boolean): Promise<void> {
    const { store } = this.#options
    if (this.#wanted.get(wanted.name) !== wanted) return
    this.#wanted.delete(wanted.name)
    wanted.lease = undefined
    // A request in flight is completed first, and then given back too.
    await this.#round
    if (!this.#isStarted || this.#stopped.signal.aborted || this.#wanted.has(wanted.name)) return
    const given = isOver ? store.forget(wanted.name, this.#holder) : store.releaseOne(wanted.name, this.#holder)
    await given.catch((err: unknown) => this.#reportFault(err))
  }

  /** Runs one round at a time; never rejects. */
  #runRound(renews: boolean): Promise<void> {
    if (this.#round) {
      this.#isRoundWanted = true
      return this.#round
    }
    this.#round = this.#work(renews).finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  async #work(renews: boolean): Promise<void> {
    // Batches what is wanted in one turn of the event loop.
    await new Promise(setImmediate)
    try {
      if (renews) await this.#renew()
      do {
        this.#isRoundWanted = false
        await this.#acquire()
      } while (this.#isRoundWanted && !this.#stopped.signal.aborted)
      this.#isFailing = false
    } catch (err) {
      this.#reportFault(err)
    }
  }

  async #renew(): Promise<void> {
    const known = [...this.#wanted.values()].filter(({ token }) => token !== undefined)
    if (known.length === 0) return
    const endsAt = this.#endOfLease()
    const tokens = new Map(
      (await this.#options.store.renew(this.#holder, this.#seconds)).map(row => [row.name, row.token]),
    )
    for (const wanted of known) {
      if (tokens.get(wanted.name) === wanted.token) wanted.endsAt = endsAt
      else this.#lose(wanted)
    }
    this.#watchEnds()
  }

  async #acquire(): Promise<void> {
    const missing = [...this.#wanted.values()].filter(({ token }) => token === undefined).map(({ name }) => name)
    for (let start = 0; start < missing.length; start += batchSize) {
      const endsAt = this.#endOfLease()
      const names = missing.slice(start, start + batchSize)
      for (const { name, token } of await this.#options.store.acquire(names, this.#holder, this.#seconds)) {
        const wanted = this.#wanted.get(name)
        if (!wanted) continue
        wanted.token = token
        wanted.endsAt = endsAt
        if (!wanted.lease) this.#grant(wanted)
      }
    }
    this.#watchEnds()
  }

  #grant(wanted: Wanted): void {
    const lease: Lease = { name: wanted.name, fence: transaction => this.#fence(wanted, lease, transaction) }
    wanted.lease = lease
    wanted.won?.(lease)
  }

  #lose(wanted: Wanted): void {
    wanted.token = undefined
    wanted.lease = undefined
    this.#options.logger.warn({ lease: wanted.name }, 'another process has taken over a lease of this one')
    wanted.lost?.()
  }

  async #fence(wanted: Wanted, lease: Lease, transaction: Database): Promise<void> {
    const { store } = this.#options
    const { name, token } = wanted
    if (wanted.lease !== lease) throw new LeaseLost(name)
    if (token !== undefined) {
      if (await store.isNewest(transaction, { name, token }, this.#holder)) return
      throw new LeaseLost(name)
    }
    // Granted because this process is alone, and not in the database yet: the first write that it protects inserts it.
    const [taken] = await store.acquire([name], this.#holder, this.#seconds, transaction)
    if (!taken) throw new LeaseLost(name)
  }

  /** Stops a holder that cannot renew, before another may begin. */
  #watchEnds(): void {
    clearTimeout(this.#ending)
    if (this.#options.isAlone || this.#stopped.signal.aborted) return
    const held = [...this.#wanted.values()].filter(({ token }) => token !== undefined)
    if (held.length === 0) return
    const soonest = Math.min(...held.map(({ endsAt }) => endsAt)) - this.#times.marginMs
    this.#ending = setTimeout(
      () => {
        const now = performance.now()
        for (const wanted of held) if (wanted.lease && now >= wanted.endsAt - this.#times.marginMs) this.#lose(wanted)
        this.#watchEnds()
      },
      Math.max(0, soonest - performance.now()),
    ).unref()
  }

  /** Returns the end counted from before the statement is sent; the database counts from later on. */
  #endOfLease(): number {
    return performance.now() + this.#times.leaseMs
  }

  get #seconds(): number {
    return this.#times.leaseMs / 1_000
  }

  /** Logs once per outage of the database. */
  #reportFault(err: unknown): void {
    if (!this.#isFailing) this.#options.logger.warn({ err }, 'leases could not be written')
    this.#isFailing = true
  }
}
