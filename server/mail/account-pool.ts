/** Lends the command connections of one account to those who wait for one. The cap of the whole server is `ConnectionSlots`. */
import type { AccountConnections } from '../../contract/accounts.ts'
import type { PoolLimits } from '../../contract/settings.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { ConnectionOpener, type ConnectionOpenerOptions } from './connection-opener.ts'
import { ConnectionSet, type PooledConnection } from './connection-set.ts'
import type { ConnectionSlots, Slot } from './connection-slots.ts'
import type { MailConnection } from './mail-gateway.ts'
import { PoolSize } from './pool-size.ts'
import { type Priority, WaitingLine } from './waiting-line.ts'

export interface AccountPoolOptions extends ConnectionOpenerOptions {
  slots: ConnectionSlots
  logger: Logger
  idleMs: number
  limits(): PoolLimits
  /** Hears of each change in the counts. */
  onChange(pool: AccountPool): void
}

/** Whose turn it is, and what for. */
export interface Call {
  priority: Priority
  folder: string | undefined
}

/** After a connection could not be opened while others work, none is tried for so long. */
const pauseMs = 5_000

export class AccountPool {
  readonly #options: AccountPoolOptions
  readonly #opener: ConnectionOpener
  readonly #size: PoolSize
  readonly #line: WaitingLine<PooledConnection>
  readonly #set: ConnectionSet
  readonly #stopped = new AbortController()
  /** Calls that have not come back. */
  #calls = 0
  #opening = 0
  readonly #watchers = new Set<MailConnection>()
  #pausedUntil = 0

  constructor(options: AccountPoolOptions) {
    this.#options = options
    this.#opener = new ConnectionOpener(options)
    this.#size = new PoolSize(() => options.limits().connection_pool_size)
    this.#line = new WaitingLine(options.slots)
    this.#set = new ConnectionSet(options.idleMs)
  }

  get accountId(): string {
    return this.#options.accountId
  }

  /** Whether there was a login for it: there is such an account. */
  get isKnown(): boolean {
    return this.#opener.isKnown
  }

  get open(): number {
    return this.#set.size + this.#watchers.size
  }

  get connections(): AccountConnections {
    const { size, busy } = this.#set
    return {
      watching: this.#watchers.size,
      open: this.open,
      busy: busy.length,
      idle: size - busy.length,
      connecting: this.#opener.connecting,
      waiting: this.#line.length,
      max: this.#size.current,
      server_limit: null,
    }
  }

  /** Nothing open, nobody waiting and nothing to remember. */
  get isEmpty(): boolean {
    const inUse = this.#calls + this.#opening + this.#set.size + this.#watchers.size
    return inUse === 0 && !this.#opener.refusal && !this.#size.isLowered
  }

  /** When the connection that rested longest came to rest. */
  get idleSince(): number | undefined {
    return this.#set.idle[0]?.idleSince
  }

  /** @param call.folder What the work is about: a connection that has it open is chosen. */
  async run<T>(call: Call, work: (connection: MailConnection) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#counted(async () => {
      for (let attempt = 1; ; attempt++) {
        const pooled = await this.#acquire(call, signal)
        try {
          return await work(pooled.connection)
        } catch (error) {
          if (attempt === 2 || faultOf(error) !== 'closed') throw error
          // What broke this one has most likely broken those at rest too.
          this.#own(this.#set.closeIdle())
        } finally {
          this.#release(pooled)
        }
      }
    })
  }

  /** A connection for watching, which the caller closes. Never goes through the line. */
  async openWatching(signal: AbortSignal): Promise<MailConnection> {
    return this.#counted(async () => {
      if (this.#opener.refusal) throw this.#opener.refusal
      const slot = await this.#options.slots.request('watching', this.#timeoutMs, signal)
      const connection = await this.#connect(slot, signal).catch(error => {
        if (faultOf(error) === 'limit') this.#makeRoomForWatching()
        throw error
      })
      this.#watchers.add(connection)
      this.#own(connection.closed.then(() => this.#watchers.delete(connection)))
      return connection
    })
  }

  /** Retires every command connection: those at rest now, those at work when they are done. */
  async retire(): Promise<void> {
    this.#opener.renew()
    this.#size.reset()
    this.#pausedUntil = 0
    await this.#set.closeIdle()
    this.#pump()
  }

  /** Closes the connection that rested longest. */
  evict(): boolean {
    const [pooled] = this.#set.idle
    if (pooled) this.#own(this.#set.close(pooled))
    return pooled !== undefined
  }

  /** Ends a watching connection, since the limit no longer has room for it; its watcher asks for another. */
  shedWatching(): boolean {
    const [connection] = this.#watchers
    if (connection) this.#own(connection.close())
    return connection !== undefined
  }

  /** After limits changed. */
  adapt(): void {
    for (let surplus = this.#set.size - this.#size.current; surplus > 0; surplus--) this.evict()
    this.#pump()
  }

  /** Turns away all who wait and all who come. What is at work goes on. */
  drain(reason: Problem): void {
    this.#stopped.abort(reason)
    this.#line.rejectAll(reason)
  }

  /** After `drain`: those at work get `graceMs` to finish. */
  async stop(graceMs: number): Promise<void> {
    this.#opener.renew()
    await this.#set.closeIdle()
    const { busy } = this.#set
    const timer = setTimeout(() => this.#own(Promise.all(busy.map(connection => connection.close()))), graceMs)
    await Promise.all(busy.map(connection => connection.closed))
    clearTimeout(timer)
  }

  get #timeoutMs(): number {
    return this.#options.limits().connection_timeout_seconds * 1000
  }

  async #acquire(call: Call, signal: AbortSignal): Promise<PooledConnection> {
    this.#stopped.signal.throwIfAborted()
    const { refusal } = this.#opener
    if (refusal && this.#set.size === 0) throw refusal
    const turn = this.#line.join(call, this.#timeoutMs, signal, () => this.#whyTooLate())
    this.#pump()
    return turn
  }

  #release(pooled: PooledConnection): void {
    if (this.#set.has(pooled)) {
      const isSurplus = this.#set.size > this.#size.current || this.#options.slots.isOver
      const isDue = isSurplus || pooled.generation !== this.#opener.generation || this.#line.isOutranked()
      if (isDue) this.#own(this.#set.close(pooled))
      else this.#set.rest(pooled)
    }
    this.#pump()
  }

  /** Gives connections at rest to those who wait, and opens more when there are too few. */
  #pump(): void {
    while (this.#line.length > 0) {
      const pooled = this.#set.chooseFor(this.#line.folder)
      if (!pooled) break
      this.#set.lend(pooled)
      this.#line.serve(pooled, pooled.connection.openFolder)
    }
    const count = this.#set.size + this.#opening
    const isPaused = count > 0 && (this.#opener.refusal || performance.now() < this.#pausedUntil)
    const wanted = isPaused ? 0 : Math.min(this.#size.current - count, this.#line.length - this.#opening)
    for (let left = wanted; left > 0; left--) this.#own(this.#open())
    this.#changed()
  }

  /** Never throws: what went wrong goes to those who wait. */
  async #open(): Promise<void> {
    this.#opening++
    try {
      const slot = await this.#options.slots.request(this.#line.rank, this.#timeoutMs, this.#stopped.signal)
      // Whoever wanted it may have been served meanwhile.
      if (this.#line.length === 0) slot.release()
      else await this.#add(slot)
    } catch (error) {
      this.#openFailed(error)
    } finally {
      this.#opening--
      this.#pump()
    }
  }

  async #add(slot: Slot): Promise<void> {
    const { generation } = this.#opener
    const pooled = this.#set.add(await this.#connect(slot, this.#stopped.signal), generation)
    this.#own(
      pooled.connection.closed.then(() => {
        this.#set.remove(pooled)
        this.#pump()
      }),
    )
    if (generation === this.#opener.generation) this.#set.rest(pooled)
    else await this.#set.close(pooled)
  }

  /** The slot is given back when the connection ends, or does not come about. */
  async #connect(slot: Slot, signal: AbortSignal): Promise<MailConnection> {
    const opening = this.#opener.open(this.#timeoutMs, signal)
    this.#changed()
    try {
      const connection = await opening
      this.#own(connection.closed.then(() => slot.release()))
      return connection
    } catch (error) {
      slot.release()
      throw error
    }
  }

  #openFailed(error: unknown): void {
    const others = this.#set.size + this.#opening - 1
    if (others === 0) return this.#line.rejectAll(error)
    // The others will serve those who wait.
    if (faultOf(error) === 'limit') this.#lower(others)
    this.#pausedUntil = performance.now() + pauseMs
    setTimeout(() => this.#pump(), pauseMs).unref()
  }

  #makeRoomForWatching(): void {
    if (this.#set.size === 0) return
    this.#lower(this.#set.size - 1)
    this.evict()
  }

  #lower(size: number): void {
    this.#size.lower(size)
    const { accountId, logger } = this.#options
    logger.warn({ account_id: accountId, connections: this.#size.current }, 'mail server allows fewer connections')
  }

  #whyTooLate(): Problem {
    if (this.#opener.connecting > 0 && this.#set.size === 0) {
      const detail = 'The mail server did not accept a connection in time.'
      return new Problem('mail_server_timeout', detail, { fault: 'timeout', part: 'imap' })
    }
    return new Problem('overloaded', 'All IMAP connections are in use; try again in a moment.', {
      retryAfterSeconds: 5,
    })
  }

  async #counted<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++
    try {
      return await call()
    } finally {
      this.#calls--
      this.#changed()
    }
  }

  /** For what nobody awaits: a fault there is ours. */
  #own(promise: Promise<unknown>): void {
    const { accountId, logger } = this.#options
    const changed = promise.then(() => this.#changed())
    changed.catch(err => logger.error({ err, account_id: accountId }, 'the connection pool failed'))
  }

  #changed(): void {
    this.#options.onChange(this)
  }
}

function faultOf(error: unknown): Problem['extension']['fault'] {
  return error instanceof Problem ? error.extension.fault : undefined
}
