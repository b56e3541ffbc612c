/** Lends IMAP connections for all accounts, under one cap. One account's pool is `AccountPool`. */
import type { AccountConnections } from '../../contract/accounts.ts'
import type { PoolLimits } from '../../contract/settings.ts'
import type { CertificateEnds } from '../accounts/certificate-ends.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import type { ProtocolLog } from '../accounts/protocol-log.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountRows } from '../platform/visible-figures.ts'
import { AccountPool } from './account-pool.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { faultOf } from './connection-source.ts'
import type { MessageWriter } from './gateway-capabilities.ts'
import type { MailConnection, MailGateway, MailPlace } from './mail-gateway.ts'
import type { GateTimes } from './server-gate.ts'
import { ServerGates } from './server-gates.ts'
import type { ServerMemory } from './server-memory.ts'
import type { TrafficObserver } from './traffic.ts'
import type { Priority } from './waiting-line.ts'

export interface ConnectionPoolOptions {
  gateway: MailGateway
  /** Throws `account_not_found` or `account_disabled`. */
  login(accountId: string, rejected?: string): Promise<MailLogin>
  limits: PoolLimits
  health: {
    setConnections(accountId: string, connections: AccountConnections): void
    /** What a request failed with. */
    noteProblem?(accountId: string, problem: Problem): void
  }
  logger: Logger
  /** A command connection that nobody used for so long is closed; a minute unless given. */
  idleMs?: number | undefined
  gateTimes?: GateTimes
  /** Before a refused login that worked until now is tried once more; see `LoginDoubt`. */
  doubtMs?: number
  traffic?: TrafficObserver
  /** Keeps the last lines of all connections. */
  protocol?: Pick<ProtocolLog, 'open'>
  /** Hears which certificates servers showed. */
  certificates?: Pick<CertificateEnds, 'seen'>
  /** Hears how long work took, waiting for a connection included. */
  worked?(accountId: string, ms: number): void
  /** What is learned of mail servers; nothing is kept unless given. */
  memory?: ServerMemory
}

type RefusedListener = (accountId: string, problem: Problem) => void

/** How long commands under way may take when the server stops. */
const stopGraceMs = 3_000
/** Of one login, while its mail server says that it has no room. */
const mostTrials = 3

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions
  readonly #slots: ConnectionSlots
  readonly #gates: ServerGates
  /** One for each account that has or wants connections; empty ones are forgotten. */
  readonly #pools = new Map<string, AccountPool>()
  /** Accounts that were removed while connections of theirs were still open. */
  readonly #removed = new WeakSet<AccountPool>()
  readonly #stopped = new AbortController()
  readonly #refusedListeners = new Set<RefusedListener>()
  /** Accounts whose mail server is left to a trial of a login: until that is over, nothing is lent. */
  readonly #left = new Map<string, Promise<void>>()
  #limits: PoolLimits
  /** Of the accounts that have or want connections. */
  readonly byAccount: AccountRows<AccountConnections> = {
    get: id => this.connections(id),
    entries: () => this.#entries(),
  }

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
    this.#limits = options.limits
    const { gateway, logger, gateTimes: times } = options
    this.#gates = new ServerGates({
      gateway,
      logger,
      ...(times ? { times } : {}),
      timeoutMs: () => this.#limits.connection_timeout_seconds * 1000,
      onDown: gate => {
        for (const pool of this.#pools.values()) pool.checkWatching(gate)
      },
    })
    this.#slots = new ConnectionSlots({ max: options.limits.max_connections, evict: () => this.#evict() })
  }

  /**
   * Lends a connection for as long as `work` takes. It runs a second time, on a fresh connection, when the first one
   * turns out to be dead: so it may only read.
   * @param signal Ends the waiting; work that has begun is finished.
   * @param folder What the work is about, if one folder: a connection that has it open is chosen.
   * @param isUnderWay It is the rest of an answer that has begun: it is served while the server drains too.
   */
  async run<T>(
    accountId: string,
    priority: Priority,
    work: (connection: MailConnection) => Promise<T>,
    signal: AbortSignal,
    folder?: string,
    isUnderWay = false,
  ): Promise<T> {
    const trial = this.#left.get(accountId)
    if (trial) await trial
    if (!isUnderWay || !this.#pools.has(accountId)) this.#stopped.signal.throwIfAborted()
    return this.#timed(accountId, this.#poolOf(accountId).run({ priority, folder, isUnderWay }, work, signal))
  }

  /**
   * Lends a connection for one change of mail. It is never repeated: when the connection was lost before the server had answered, that is
   * `UnknownOutcome`, and the caller finds out what became of it. Every other error says that nothing was done.
   * @param change Its `cut` ends the connection, for one that cannot wait for the answer.
   */
  async runOnce<T>(
    accountId: string,
    priority: Priority,
    change: (writer: MessageWriter, cut: () => void) => Promise<T>,
    signal: AbortSignal,
    folder?: string,
  ): Promise<T> {
    const trial = this.#left.get(accountId)
    if (trial) await trial
    this.#stopped.signal.throwIfAborted()
    const call = { priority, folder, isUnderWay: false, isOnce: true }
    const work = (connection: MailConnection) => change(connection.writer, () => void connection.close())
    const done = this.#poolOf(accountId).run(call, work, signal)
    return this.#timed(accountId, done)
  }

  async #timed<T>(accountId: string, work: Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      return await work
    } finally {
      this.#options.worked?.(accountId, performance.now() - began)
    }
  }

  /**
   * Many messages of these folders are about to be changed: what watches them steps out of IDLE, in which the mail server would be woken for each
   * of them. It watches again when the change has ended, or takes long.
   * @returns How to end it; to begin it once more before that is one with it.
   */
  restWatching(accountId: string, paths: readonly string[]): () => void {
    const rest = this.#pools.get(accountId)?.watchRest
    rest?.begin(paths)
    return () => rest?.end()
  }

  /** A connection of its own for watching, counted with the others. The caller closes it. */
  async openWatching(accountId: string, signal: AbortSignal): Promise<MailConnection> {
    const trial = this.#left.get(accountId)
    if (trial) await trial
    this.#stopped.signal.throwIfAborted()
    return this.#poolOf(accountId).openWatching(signal)
  }

  /**
   * One more connection for watching, only as long as there is room: it is closed when the mail server turns out to allow few, or when
   * another account needs its place. The caller closes it.
   */
  async openBeside(accountId: string, signal: AbortSignal): Promise<MailConnection> {
    const trial = this.#left.get(accountId)
    if (trial) await trial
    this.#stopped.signal.throwIfAborted()
    return this.#poolOf(accountId).openBeside(signal)
  }

  /** @returns Why a trial of a login failed, where that was because of the connections that are open: a Problem with the fault `limit`. */
  judged(place: MailPlace, error: unknown): Promise<unknown> {
    return this.#gates.judged(place, error)
  }

  /** Ends the connections of the account for a trial of a login, where its mail server has no room for one beside them. */
  async leaveTo<T>(accountId: string, trial: () => Promise<T>): Promise<T> {
    const over = Promise.withResolvers<void>()
    this.#left.set(accountId, over.promise)
    try {
      for (let attempt = 1; ; attempt++) {
        await this.#pools.get(accountId)?.clear()
        try {
          return await trial()
        } catch (error) {
          // Who waited in line when this began may have had one more connection.
          if (attempt === mostTrials || faultOf(error) !== 'limit') throw error
        }
      }
    } finally {
      if (this.#left.get(accountId) === over.promise) this.#left.delete(accountId)
      over.resolve()
    }
  }

  /** The watching connection of the account has begun to watch. */
  watchBegan(accountId: string): void {
    this.#pools.get(accountId)?.adapt()
  }

  /** After a failure: resolves when another try is worth it, after the delay or, when the server is away, once it is back. */
  async untilWorthTrying(accountId: string, delayMs: number, signal: AbortSignal): Promise<void> {
    await this.#poolOf(accountId).opener.untilWorthTrying(delayMs, signal)
  }

  /** Whether the account's server is known to be away; it is looked after at short intervals then. */
  isAway(accountId: string): boolean {
    return this.#pools.get(accountId)?.opener.isAway ?? false
  }

  /** After a login changed, or to try a refused one again: connections at rest end now, busy ones when they are done. */
  async drop(accountId: string): Promise<void> {
    await this.#pools.get(accountId)?.retire(true)
  }

  /** After an account is gone: as `drop`, and nothing more is said of it. */
  async remove(accountId: string): Promise<void> {
    const pool = this.#pools.get(accountId)
    if (!pool) return
    this.#removed.add(pool)
    this.#pools.delete(accountId)
    await pool.retire(true)
  }

  /** Takes effect immediately; nothing under way fails. */
  async setLimits(limits: PoolLimits): Promise<void> {
    const isNewTimeout = limits.connection_timeout_seconds !== this.#limits.connection_timeout_seconds
    this.#limits = limits
    this.#slots.max = limits.max_connections
    let surplus = this.#slots.surplusWatching
    for (const pool of [...this.#pools.values()].reverse()) if (surplus > 0 && pool.shedWatching()) surplus--
    for (const pool of this.#pools.values()) pool.adapt()
    // Connections keep the timeout that they were opened with.
    if (isNewTimeout) await Promise.all([...this.#pools.values()].map(pool => pool.retire()))
  }

  /** Hears when a server refuses a password: nothing more is tried with it until `drop`. Returns how to stop. */
  onRefused(listener: RefusedListener): () => void {
    this.#refusedListeners.add(listener)
    return () => this.#refusedListeners.delete(listener)
  }

  connections(accountId: string): AccountConnections | undefined {
    return this.#pools.get(accountId)?.connections
  }

  /** Most connections at once, of all accounts together. */
  get max(): number {
    return this.#limits.max_connections
  }

  *#entries(): Generator<readonly [accountId: string, connections: AccountConnections]> {
    for (const [accountId, pool] of this.#pools) yield [accountId, pool.connections]
  }

  /** Turns away all who wait and all who come, at once; what is at work, or has begun, goes on. No connection is opened any more. */
  drain(): void {
    const reason = stopping()
    this.#stopped.abort(reason)
    for (const pool of this.#pools.values()) pool.drain(reason)
  }

  async stop(): Promise<void> {
    this.drain()
    this.#gates.stop()
    await Promise.all([...this.#pools.values()].map(pool => pool.stop(stopGraceMs)))
  }

  #poolOf(accountId: string): AccountPool {
    const known = this.#pools.get(accountId)
    if (known) return known
    const { gateway, login, logger, traffic, protocol, certificates, memory, doubtMs, idleMs = 60_000 } = this.#options
    const pool: AccountPool = new AccountPool({
      accountId,
      gateway,
      gates: this.#gates,
      slots: this.#slots,
      logger,
      traffic,
      protocol,
      certificates,
      memory,
      doubtMs,
      idleMs,
      limits: () => this.#limits,
      login,
      onChange: changed => this.#changed(changed),
      onFault: problem => {
        // Nothing is kept for an id that somebody made up.
        if (pool.opener.isKnown && !this.#removed.has(pool)) this.#options.health.noteProblem?.(accountId, problem)
      },
      onRefused: (id, problem) => {
        for (const listener of this.#refusedListeners) listener(id, problem)
      },
    })
    this.#pools.set(accountId, pool)
    return pool
  }

  #changed(pool: AccountPool): void {
    const { accountId } = pool
    if (this.#pools.get(accountId) !== pool) return
    if (pool.isEmpty) this.#pools.delete(accountId)
    // Nothing is kept for an id that somebody made up.
    if (pool.opener.isKnown && !this.#removed.has(pool))
      this.#options.health.setConnections(accountId, pool.connections)
  }

  /** Whichever account's connection rested longest goes. */
  #evict(): boolean {
    const resting = [...this.#pools.values()].filter(pool => pool.idleSince !== undefined)
    const [oldest] = resting.sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))
    return oldest?.evict() ?? [...this.#pools.values()].some(pool => pool.closeBeside())
  }
}

function stopping(): Problem {
  return new Problem('draining', 'RustyMail is shutting down.', { retryAfterSeconds: 5 })
}
