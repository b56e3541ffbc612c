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
import type { GateTimes, ServerGate } from './server-gate.ts'
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
    /** Called with the Problem that a request failed with. */
    noteProblem?(accountId: string, problem: Problem): void
  }
  logger: Logger
  /** Idle time in milliseconds after which a command connection is closed; a minute unless given. */
  idleMs?: number | undefined
  gateTimes?: GateTimes
  /** Delay before a login that was accepted before and is now refused is retried once; see `LoginDoubt`. */
  doubtMs?: number
  traffic?: TrafficObserver
  /** Records the last lines of all connections. */
  protocol?: Pick<ProtocolLog, 'open'>
  /** Records the certificates that servers present. */
  certificates?: Pick<CertificateEnds, 'seen'>
  /** Called with the duration of each request, waiting for a connection included. */
  history?: { observe(name: 'imap_command_time', ms: number, labels: { account_id: string }): void } | undefined
  /** Persists what is learned of mail servers; nothing is persisted unless given. */
  memory?: ServerMemory
}

type RefusedListener = (accountId: string, problem: Problem) => void

/** Grace period for commands in flight when the server stops. */
const stopGraceMs = 3_000
/** Attempts of one trial login while its mail server reports too many connections. */
const mostTrials = 3

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions
  readonly #slots: ConnectionSlots
  readonly #gates: ServerGates
  /** One pool per account that has or wants connections; empty ones are deleted. */
  readonly #pools = new Map<string, AccountPool>()
  /** Pools of accounts that were removed while connections were still open. */
  readonly #removed = new WeakSet<AccountPool>()
  readonly #stopped = new AbortController()
  readonly #refusedListeners = new Set<RefusedListener>()
  /** Accounts whose connections are closed in favour of a trial login: requests wait until it is over. */
  readonly #left = new Map<string, Promise<void>>()
  #limits: PoolLimits
  /** Connection counts of the accounts that have or want connections. */
  readonly byAccount: AccountRows<AccountConnections> = {
    get: id => this.connections(id),
    entries: () => this.#entries(),
  }

  constructor(options: ConnectionPoolOptions) {
    this.#options = options
    this.#limits = options.limits
    const { gateway, logger, gateTimes: times } = options
    const checkWatching = (gate: ServerGate) => {
      for (const pool of this.#pools.values()) pool.checkWatching(gate)
    }
    this.#gates = new ServerGates({
      gateway,
      logger,
      ...(times ? { times } : {}),
      timeoutMs: () => this.#limits.connection_timeout_seconds * 1000,
      onDown: checkWatching,
      onDoubt: checkWatching,
    })
    this.#slots = new ConnectionSlots({ max: options.limits.max_connections, evict: () => this.#evict() })
  }

  /**
   * Lends a connection for the duration of `work`, which must only read: it runs again when the connection proves dead.
   * @param signal Ends the waiting; work in progress is finished.
   * @param folder The folder that the work is about, if only one: a connection that has it open is preferred.
   * @param isUnderWay True for the rest of a response in progress, which is served while the server drains too.
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
   * Lends a connection for one change of mail, without retries. Throws `UnknownOutcome` when the connection was lost
   * before the server answered, so that the caller must check; after every other error nothing was changed.
   * @param change Its `cut` closes the connection, for a caller that cannot wait for the response.
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
      const ms = performance.now() - began
      this.#options.history?.observe('imap_command_time', ms, { account_id: accountId })
    }
  }

  /**
   * Takes the watching connections of these folders out of IDLE before many of their messages are changed, since the
   * mail server would wake them for each message. They return to IDLE at the end of the change, or after 1 s.
   * @returns How to end the pause; beginning it again before that extends it.
   */
  restWatching(accountId: string, paths: readonly string[]): () => void {
    const rest = this.#pools.get(accountId)?.watchRest
    rest?.begin(paths)
    return () => rest?.end()
  }

  /** Opens a dedicated watching connection, which counts towards the cap. The caller closes it. */
  async openWatching(accountId: string, signal: AbortSignal): Promise<MailConnection> {
    const trial = this.#left.get(accountId)
    if (trial) await trial
    this.#stopped.signal.throwIfAborted()
    return this.#poolOf(accountId).openWatching(signal)
  }

  /**
   * Opens an additional watching connection, best-effort: closed when the mail server turns out to allow few, or when
   * another account needs its slot. The caller closes it.
   */
  async openBeside(accountId: string, signal: AbortSignal): Promise<MailConnection> {
    const trial = this.#left.get(accountId)
    if (trial) await trial
    this.#stopped.signal.throwIfAborted()
    return this.#poolOf(accountId).openBeside(signal)
  }

  /** @returns Why a trial login failed: a Problem with the fault `limit` when our open connections were the cause. */
  judged(place: MailPlace, error: unknown): Promise<unknown> {
    return this.#gates.judged(place, error)
  }

  /** Closes the account's connections for a trial login, where its mail server has no room for one more. */
  async leaveTo<T>(accountId: string, trial: () => Promise<T>): Promise<T> {
    const over = Promise.withResolvers<void>()
    this.#left.set(accountId, over.promise)
    try {
      for (let attempt = 1; ; attempt++) {
        await this.#pools.get(accountId)?.clear()
        try {
          return await trial()
        } catch (error) {
          // A waiter that was in line when this began may have opened another connection.
          if (attempt === mostTrials || faultOf(error) !== 'limit') throw error
        }
      }
    } finally {
      if (this.#left.get(accountId) === over.promise) this.#left.delete(accountId)
      over.resolve()
    }
  }

  /** Called when the account's watching connection has started to watch. */
  watchBegan(accountId: string): void {
    this.#pools.get(accountId)?.adapt()
  }

  /** Resolves when a retry makes sense: after the delay or, while the server is down, once it is back. */
  async untilWorthTrying(accountId: string, delayMs: number, signal: AbortSignal): Promise<void> {
    await this.#poolOf(accountId).opener.untilWorthTrying(delayMs, signal)
  }

  /** True while the account's server is known to be down; it is probed at short intervals then. */
  isUnreachable(accountId: string): boolean {
    return this.#pools.get(accountId)?.opener.isUnreachable ?? false
  }

  /** Retires connections after a login changed or is to be retried: idle ones now, busy ones when they are done. */
  async drop(accountId: string): Promise<void> {
    await this.#pools.get(accountId)?.retire(true)
  }

  /** Drops the connections of a deleted account, and reports nothing about it any more. */
  async remove(accountId: string): Promise<void> {
    const pool = this.#pools.get(accountId)
    if (!pool) return
    this.#removed.add(pool)
    this.#pools.delete(accountId)
    await pool.retire(true)
  }

  /** Takes effect immediately; no request in progress fails. */
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

  /** Subscribes to refused passwords: no login is tried again until `drop`. Returns the function that unsubscribes. */
  onRefused(listener: RefusedListener): () => void {
    this.#refusedListeners.add(listener)
    return () => this.#refusedListeners.delete(listener)
  }

  connections(accountId: string): AccountConnections | undefined {
    return this.#pools.get(accountId)?.connections
  }

  /** Maximum number of connections of all accounts together. */
  get max(): number {
    return this.#limits.max_connections
  }

  *#entries(): Generator<readonly [accountId: string, connections: AccountConnections]> {
    for (const [accountId, pool] of this.#pools) yield [accountId, pool.connections]
  }

  /** Rejects all waiting and new requests immediately; work in progress goes on. No more connections are opened. */
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
        // Nothing is stored for a made-up account id.
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
    // Nothing is stored for a made-up account id.
    if (pool.opener.isKnown && !this.#removed.has(pool))
      this.#options.health.setConnections(accountId, pool.connections)
  }

  /** Evicts the connection that has been idle longest, of all accounts. */
  #evict(): boolean {
    const resting = [...this.#pools.values()].filter(pool => pool.idleSince !== undefined)
    const [oldest] = resting.sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))
    return oldest?.evict() ?? [...this.#pools.values()].some(pool => pool.closeBeside())
  }
}

function stopping(): Problem {
  return new Problem('draining', 'RustyMail is shutting down.', { retryAfterSeconds: 5 })
}
