/** Lends the command connections of one account to those who wait for one. The cap of the whole server is `ConnectionSlots`. */
import type { AccountConnections } from '../../contract/accounts.ts'
import { Problem } from '../platform/problem.ts'
import { AccountWatching } from './account-watching.ts'
import { ConnectionSet, type PooledConnection } from './connection-set.ts'
import { type ConnectionOpener, ConnectionSource, type ConnectionSourceOptions, faultOf } from './connection-source.ts'
import { MailboxFull, UnknownOutcome } from './gateway-capabilities.ts'
import type { MailConnection } from './mail-gateway.ts'
import type { ServerGate } from './server-gate.ts'
import { purposeOf, type TrafficMeter } from './traffic.ts'
import { type Call, WaitingLine } from './waiting-line.ts'
import type { WatchRest } from './watch-rest.ts'

export interface AccountPoolOptions extends Omit<ConnectionSourceOptions, 'counts' | 'onChange'> {
  idleMs: number
  /** Hears of each change in the counts. */
  onChange(pool: AccountPool): void
  /** Hears what a request failed with that was the mail server's fault. */
  onFault(problem: Problem): void
}

/** After a connection could not be opened while others work, none is tried for so long. */
const pauseMs = 5_000
/** A mail server may still count a connection of ours that ended, for so long. */
const endingMs = 3_000
/** After it refused one for a connection of ours that just ended, or that is being opened to watch, the next is tried so soon. */
const againMs = 250

export class AccountPool {
  readonly #options: AccountPoolOptions
  readonly #source: ConnectionSource
  readonly #line: WaitingLine<PooledConnection>
  readonly #set: ConnectionSet
  readonly #stopped = new AbortController()
  /** Calls that have not come back. */
  #calls = 0
  #opening = 0
  readonly #watching: AccountWatching
  readonly #meters = new WeakMap<MailConnection, TrafficMeter>()
  #pausedUntil = 0
  /** None is opened until then, though there is no other. */
  #isAgainSoon = false
  #endedAt = Number.NEGATIVE_INFINITY

  constructor(options: AccountPoolOptions) {
    this.#options = options
    this.#source = new ConnectionSource({
      ...options,
      counts: () => ({ open: this.open, ...this.#watching.inbox.watched }),
      onChange: () => this.#changed(),
    })
    this.#line = new WaitingLine(options.slots)
    this.#set = new ConnectionSet(options.idleMs)
    this.#watching = new AccountWatching({
      source: this.#source,
      set: this.#set,
      isWanted: () => this.#line.length > 0 && this.#isShared,
      serve: pooled => this.#line.serve(pooled, pooled.connection.openFolder),
      opened: ({ connection, meter }) => this.#meters.set(connection, meter),
      ended: problem => this.#watchingEnded(problem),
      pump: () => this.#pump(),
      own: promise => this.#own(promise),
    })
  }

  get accountId(): string {
    return this.#options.accountId
  }

  get opener(): ConnectionOpener {
    return this.#source.opener
  }

  get open(): number {
    return this.#set.size + this.#watching.open
  }

  get connections(): AccountConnections {
    const { size, busy } = this.#set
    return {
      watching: this.#watching.inbox.size,
      open: this.open,
      busy: busy.length,
      idle: size - busy.length,
      connecting: this.opener.connecting,
      waiting: this.#line.length,
      max: this.#source.most,
      server_limit: this.#source.serverLimit ?? null,
    }
  }

  /** Nothing open, nobody waiting and nothing to remember. */
  get isEmpty(): boolean {
    const inUse = this.#calls + this.#opening + this.open
    return inUse === 0 && !this.#source.hasMemory && !this.#watching.inbox.isWatched
  }

  /** When the connection that rested longest came to rest. */
  get idleSince(): number | undefined {
    return this.#set.idle[0]?.idleSince
  }

  /** @param call.folder What the work is about: a connection that has it open is chosen. */
  async run<T>(call: Call, work: (connection: MailConnection) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#counted(async () => {
      for (let attempt = 1; ; attempt++) {
        const pooled = await this.#acquire(call, signal).catch(error => {
          this.#noteFault(error)
          throw error
        })
        try {
          return await this.#metered(call, pooled.connection, work)
        } catch (error) {
          this.#noteFault(error)
          if (attempt === 2 || call.isOnce || faultOf(error) !== 'closed') throw error
          // What broke this one has most likely broken those at rest too.
          this.#own(this.#set.closeIdle())
        } finally {
          this.#release(pooled)
        }
      }
    })
  }

  /** What it moves meanwhile is moved for the call. */
  async #metered<T>(
    { priority }: Call,
    connection: MailConnection,
    work: (connection: MailConnection) => Promise<T>,
  ): Promise<T> {
    const meter = this.#meters.get(connection)
    const before = meter?.turnTo(purposeOf(priority))
    try {
      return await work(connection)
    } finally {
      if (before) meter?.turnTo(before)
    }
  }

  /** A connection for watching, which the caller closes. */
  async openWatching(signal: AbortSignal): Promise<MailConnection> {
    return this.#counted(() => this.#watching.openInbox(signal))
  }

  /** The same for a chosen folder. */
  async openBeside(signal: AbortSignal): Promise<MailConnection> {
    return this.#counted(() => this.#watching.openBeside(signal))
  }

  /** @returns Whether there was one. */
  closeBeside(): boolean {
    return this.#watching.closeBeside()
  }

  /** See `ConnectionPool.restWatching`. */
  get watchRest(): Pick<WatchRest, 'begin' | 'end'> {
    return this.#watching.rest
  }

  /** Finds out whether its watching connection still stands, if it is one on this server. */
  checkWatching(gate: ServerGate): void {
    if (gate === this.opener.gate) this.#watching.check()
  }

  /** Retires every command connection: those at rest now, those at work when they are done. @param isUnwatched Nobody watches it now. */
  async retire(isUnwatched = false): Promise<void> {
    this.#source.renew()
    if (isUnwatched) this.#watching.inbox.forgetWatching()
    this.#pausedUntil = 0
    this.#isAgainSoon = false
    await this.#set.closeIdle()
    this.#pump()
  }

  /** Ends its connections, the watching one too; those at work when they are done. */
  async clear(): Promise<void> {
    while (this.closeBeside());
    await this.retire()
    await this.#watching.inbox.close()
  }

  /** Closes the connection that rested longest. */
  evict(): boolean {
    return this.#set.evict()
  }

  /** Ends a watching connection, since the limit no longer has room for it; its watcher asks for another. */
  shedWatching(): boolean {
    return this.#watching.inbox.closeOne()
  }

  /** After limits changed, or when the watching connection may be lent from now on. */
  adapt(): void {
    for (let surplus = this.#set.size - this.#source.most; surplus > 0; surplus--) this.evict()
    this.#pump()
  }

  /** Turns away all who wait and all who come, but for the rest of what has begun. What is at work goes on. */
  drain(reason: Problem): void {
    this.#stopped.abort(reason)
    this.#line.turnAway(reason)
  }

  /** After `drain`: those at work get `graceMs` to finish. */
  async stop(graceMs: number): Promise<void> {
    this.opener.renew()
    await this.#set.end(graceMs)
  }

  async #acquire(call: Call, signal: AbortSignal): Promise<PooledConnection> {
    if (!call.isUnderWay) this.#stopped.signal.throwIfAborted()
    if (this.#set.size === 0) this.#source.throwIfClosed()
    const late = () => this.#source.whyTooLate(this.#set.size > 0)
    const turn = this.#line.join(call, this.#source.timeoutMs, signal, late)
    this.#pump()
    return turn
  }

  #release(pooled: PooledConnection): void {
    const wasLent = this.#watching.inbox.giveBack(pooled)
    if (!wasLent && this.#set.has(pooled)) {
      const isSurplus = this.#set.size > this.#source.most || this.#options.slots.isOver
      const isDue = isSurplus || pooled.generation !== this.opener.generation || this.#line.isOutranked()
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
    const isPaused = this.#isAgainSoon || (count > 0 && (this.opener.refusal || performance.now() < this.#pausedUntil))
    const wanted = isPaused ? 0 : Math.min(this.#source.most - count, this.#line.length - this.#opening)
    for (let left = wanted; left > 0; left--) this.#own(this.#open())
    // One more connection may just be tried: the waiter is served by that, or when it is refused.
    if (this.#line.length > 0 && this.#opening === 0 && this.#isShared) this.#own(this.#watching.inbox.lend())
    this.#changed()
  }

  /** Whether requests borrow the watching connection: the server leaves no other. */
  get #isShared(): boolean {
    return this.#source.serverLimit === 1 && this.#set.size === 0 && this.#watching.inbox.size > 0
  }

  /** Never throws: what went wrong goes to those who wait. */
  async #open(): Promise<void> {
    this.#opening++
    try {
      // The waiter may have been served meanwhile.
      const isWanted = () => this.#line.length > 0
      const { generation } = this.opener
      const opened = await this.#source.open(this.#line.rank, this.#stopped.signal, isWanted)
      if (!opened) return
      this.#meters.set(opened.connection, opened.meter)
      await this.#add(opened.connection, generation)
    } catch (error) {
      this.#openFailed(error)
    } finally {
      this.#opening--
      this.#pump()
    }
  }

  async #add(connection: MailConnection, generation: number): Promise<void> {
    const pooled = this.#set.add(connection, generation)
    this.#own(
      pooled.connection.closed.then(() => {
        this.#set.remove(pooled)
        this.#endedAt = performance.now()
        this.#pump()
      }),
    )
    if (generation === this.opener.generation) this.#set.rest(pooled)
    else await this.#set.close(pooled)
  }

  #openFailed(error: unknown): void {
    const isLimit = faultOf(error) === 'limit'
    if (isLimit) this.#source.refusedBeside(this.open)
    const others = this.#set.size + this.#opening - 1
    // Someone else will serve those who wait.
    const isServed = others > 0 || (isLimit && this.#watching.inbox.size > 0)
    if (!isServed && isLimit && this.#mayHaveTheirPlace) {
      this.#isAgainSoon = true
      setTimeout(() => {
        this.#isAgainSoon = false
        this.#pump()
      }, againMs).unref()
      return
    }
    if (!isServed)
      return this.#line.rejectAll(isLimit && this.open === 0 ? this.#source.pause(error as Problem) : error)
    this.#pausedUntil = performance.now() + pauseMs
    // A timer may be early by a part of a millisecond, by this clock.
    setTimeout(() => this.#pump(), pauseMs + 1).unref()
  }

  /** Whether the one place that a mail server gives may be that of a connection of ours which is not open yet, or not any more. */
  get #mayHaveTheirPlace(): boolean {
    const isOpening = this.#watching.inbox.watched.watching > 0
    return this.open === 0 && (isOpening || performance.now() - this.#endedAt < endingMs)
  }

  #watchingEnded(problem: Problem | undefined): void {
    this.#endedAt = performance.now()
    if (faultOf(problem) === 'timeout') {
      // What rests is as dead, and a request would wait for it as long.
      this.#own(this.#set.closeIdle())
      this.#own(this.opener.suspect())
    }
    this.#pump()
  }

  /** A request that takes too long is a sign of the server's health: it is looked at now. */
  #noteFault(thrown: unknown): void {
    const error = thrown instanceof UnknownOutcome ? thrown.cause : thrown
    if (error instanceof MailboxFull) this.#options.memory?.foundFull(this.accountId)
    if (!(error instanceof Problem) || !error.extension.fault) return
    this.#options.onFault(error)
    if (error.extension.fault !== 'timeout') return
    this.#watching.inbox.check()
    this.#own(this.opener.suspect())
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
    // Learned just now: what it allows is for requests and INBOX.
    if (this.#source.serverLimit !== undefined) while (this.closeBeside());
    this.#options.onChange(this)
  }
}
