/** Lends the command connections of one account to waiting requests. The server-wide cap is `ConnectionSlots`. */
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
  /** Called after each change of the counts. */
  onChange(pool: AccountPool): void
  /** Called with the Problem of a request that failed because of the mail server. */
  onFault(problem: Problem): void
}

/** Pause in milliseconds after a connection could not be opened while others work. */
const pauseMs = 5_000
/** Time in milliseconds for which a mail server may still count a connection of ours that has ended. */
const endingMs = 3_000
/** Retry delay after a refusal caused by a connection of ours that just ended or is about to watch. */
const againMs = 250

export class AccountPool {
  readonly #options: AccountPoolOptions
  readonly #source: ConnectionSource
  readonly #line: WaitingLine<PooledConnection>
  readonly #set: ConnectionSet
  readonly #stopped = new AbortController()
  /** Calls in progress. */
  #calls = 0
  #opening = 0
  readonly #watching: AccountWatching
  readonly #meters = new WeakMap<MailConnection, TrafficMeter>()
  #pausedUntil = 0
  /** A retry is scheduled: no connection is opened until then, even if there is none. */
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

  /** No open connection, no waiting request and no state to remember. */
  get isEmpty(): boolean {
    const inUse = this.#calls + this.#opening + this.open
    return inUse === 0 && !this.#source.hasMemory && !this.#watching.inbox.isWatched
  }

  /** When the longest idle connection became idle. */
  get idleSince(): number | undefined {
    return this.#set.idle[0]?.idleSince
  }

  /** @param call.folder The folder that the work is about: a connection that has it open is preferred. */
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
          // What broke this connection has most likely broken the idle ones too.
          this.#own(this.#set.closeIdle())
        } finally {
          this.#release(pooled)
        }
      }
    })
  }

  /** Attributes the connection's traffic during `work` to the purpose of the call. */
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

  /** Opens a watching connection, which the caller closes. */
  async openWatching(signal: AbortSignal): Promise<MailConnection> {
    return this.#counted(() => this.#watching.openInbox(signal))
  }

  /** Opens a watching connection for a chosen folder, which the caller closes. */
  async openBeside(signal: AbortSignal): Promise<MailConnection> {
    return this.#counted(() => this.#watching.openBeside(signal))
  }

  /** Closes a watching connection of a chosen folder. @returns Whether there was one. */
  closeBeside(): boolean {
    return this.#watching.closeBeside()
  }

  /** See `ConnectionPool.restWatching`. */
  get watchRest(): Pick<WatchRest, 'begin' | 'end'> {
    return this.#watching.rest
  }

  /** Checks that the watching connections are alive, if they are on this server. */
  checkWatching(gate: ServerGate): void {
    if (gate === this.opener.gate) this.#watching.check()
  }

  /** Retires command connections: idle ones now, busy ones when done. @param isUnwatched No watcher is left. */
  async retire(isUnwatched = false): Promise<void> {
    this.#source.renew()
    if (isUnwatched) this.#watching.inbox.forgetWatching()
    this.#pausedUntil = 0
    this.#isAgainSoon = false
    await this.#set.closeIdle()
    this.#pump()
  }

  /** Closes all connections, the watching ones too; busy ones when they are done. */
  async clear(): Promise<void> {
    while (this.closeBeside());
    await this.retire()
    await this.#watching.inbox.close()
  }

  /** Closes the connection that has been idle longest. */
  evict(): boolean {
    return this.#set.evict()
  }

  /** Closes a watching connection that a lowered limit has no room for; its watcher requests another. */
  shedWatching(): boolean {
    return this.#watching.inbox.closeOne()
  }

  /** Applies changed limits, and serves waiters when the watching connection may be lent from now on. */
  adapt(): void {
    for (let surplus = this.#set.size - this.#source.most; surplus > 0; surplus--) this.evict()
    this.#pump()
  }

  /** Rejects all waiting and new requests, except for the rest of responses in progress. Running work goes on. */
  drain(reason: Problem): void {
    this.#stopped.abort(reason)
    this.#line.rejectNew(reason)
  }

  /** Closes all connections after `drain`; busy ones get `graceMs` to finish. */
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

  /** Assigns idle connections to waiting requests, and opens more when there are too few. */
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
    // The attempt in progress serves the waiter; the watching connection is lent only after it was refused.
    if (this.#line.length > 0 && this.#opening === 0 && this.#isShared) this.#own(this.#watching.inbox.lend())
    this.#changed()
  }

  /** True while requests borrow the watching connection, since the server allows no other. */
  get #isShared(): boolean {
    return this.#source.serverLimit === 1 && this.#set.size === 0 && this.#watching.inbox.size > 0
  }

  /** Opens a connection. Never throws: waiting requests are rejected with the error. */
  async #open(): Promise<void> {
    this.#opening++
    try {
      // The waiting request may have been served meanwhile.
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
    // Another connection will serve the waiting requests.
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
    // By this clock a timer may fire a fraction of a millisecond early.
    setTimeout(() => this.#pump(), pauseMs + 1).unref()
  }

  /** True when the server's only slot may be taken by a connection of ours that is still opening or has just ended. */
  get #mayHaveTheirPlace(): boolean {
    const isOpening = this.#watching.inbox.watched.watching > 0
    return this.open === 0 && (isOpening || performance.now() - this.#endedAt < endingMs)
  }

  #watchingEnded(problem: Problem | undefined): void {
    this.#endedAt = performance.now()
    if (faultOf(problem) === 'timeout') {
      // Idle connections are dead as well, and a request would wait just as long for one of them.
      this.#own(this.#set.closeIdle())
      this.#own(this.opener.suspect())
    }
    this.#pump()
  }

  /** Reports a failed request; a timeout triggers a check of the server's health. */
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

  /** Logs the failure of a promise that is not awaited; it is a bug of ours. */
  #own(promise: Promise<unknown>): void {
    const { accountId, logger } = this.#options
    const changed = promise.then(() => this.#changed())
    changed.catch(err => logger.error({ err, account_id: accountId }, 'the connection pool failed'))
  }

  #changed(): void {
    // A limit was learned: the allowed connections are for requests and INBOX.
    if (this.#source.serverLimit !== undefined) while (this.closeBeside());
    this.#options.onChange(this)
  }
}
