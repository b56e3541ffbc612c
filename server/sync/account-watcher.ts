/** Keeps a connection of one account in IDLE on INBOX, reconnects when it is lost, and reports the account's health. */
import type { AccountState, IndexLevel } from '../../contract/accounts.ts'
import { mailboxOf } from '../accounts/account-reader.ts'
import { type HealthRegistry, toAccountError } from '../accounts/health-registry.ts'
import type { EventHub } from '../events/event-hub.ts'
import { type Backoff, backoffDelay, defaultBackoff } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { MailConnection, WatchChange } from '../imap/mail-gateway.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { ArrivalSync, type ArrivalSyncOptions } from './arrival-sync.ts'
import type { FolderStateStore } from './folder-state-store.ts'

export interface WatchedAccount {
  id: string
  name: string
  host: string
  port: number
  user: string
  /** The owner's email address, where known. */
  email?: string
  /** Level of indexing; the server's default when null or absent. */
  indexLevel?: IndexLevel | null
  /** Watched folders besides INBOX. */
  watchedFolders?: readonly string[]
  /** Seconds between two rounds over all folders; a minute unless given. */
  lookSeconds?: number
}

export interface AccountWatcherOptions {
  account: WatchedAccount
  states: Pick<FolderStateStore, 'find' | 'save'>
  pool: ConnectionPool
  hub: Pick<EventHub, 'transact'>
  refs: Pick<MessageRefs, 'encode'>
  health: Pick<HealthRegistry, 'set' | 'noteMail' | 'noteProblem'>
  logger: Logger
  backoff?: Backoff
  /** Called when the folder changed, or may have changed while unwatched. */
  onChange?(folder: string): void
  indexerOf?: ArrivalSyncOptions['indexerOf']
}

const folder = 'INBOX'
/** A connection that lasted this long was healthy: the next loss starts over with the shortest back-off. */
const healthyMs = 30_000

export class AccountWatcher {
  readonly #options: AccountWatcherOptions
  readonly #backoff: Backoff
  readonly #arrivals: ArrivalSync
  #account: { id: string; name: string }
  #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** Why new mail cannot be listed although the watching connection is up. */
  #trouble: Problem | undefined
  #isWatching = false
  #isPolling = false
  #hasLogin = true

  constructor(options: AccountWatcherOptions) {
    const { account, states, pool, hub, refs, health, logger, backoff = defaultBackoff, indexerOf } = options
    this.#options = options
    this.#backoff = backoff
    this.#account = account
    this.#arrivals = new ArrivalSync({
      folder: { accountId: account.id, path: folder, mailbox: mailboxOf(account) },
      states,
      pool,
      hub,
      refs,
      logger,
      backoff,
      onLook: problem => this.#looked(problem),
      onArrival: at => health.noteMail(account.id, at),
      ...(indexerOf && { indexerOf }),
    })
  }

  /** Starts watching, also again after `stop`: mail that arrived in between is announced then. */
  start(): void {
    this.#abort = new AbortController()
    this.#hasLogin = true
    this.#trouble = undefined
    this.#report('connecting', null)
    const { logger } = this.#options
    this.#running = this.#run(this.#abort.signal).catch(err =>
      logger.error({ err, account_id: this.#account.id }, 'watching an account failed'),
    )
  }

  /** Closes the connection. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  /** Called when the server refused the password, here or on a command connection: stops retrying until `start`. */
  refuse(problem: Problem): void {
    this.#giveUp(problem)
    this.#abort.abort()
  }

  rename(name: string): void {
    this.#account = { ...this.#account, name }
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      const began = performance.now()
      const { problem, wasReady } = await this.#watch(signal)
      // No health change is reported because this server is stopping.
      if (signal.aborted || problem.code === 'draining') return
      if (isFinal(problem)) return this.#giveUp(problem)
      // A server that floods each connection is never healthy, however long its connections last.
      if (wasReady && !isFlood(problem) && performance.now() - began >= healthyMs) failures = 0
      const { pool } = this.#options
      const isAway = pool.isUnreachable(this.#account.id)
      const delayMs = backoffDelay(failures, this.#backoff)
      // A server that is down is probed continuously; the account need not wait longer than that.
      const nextRetryAt = new Date(Date.now() + (isAway ? 0 : delayMs)).toISOString()
      this.#report(this.#stateAfter(problem, wasReady), problem, nextRetryAt)
      // An abort ends the wait and then the loop.
      await pool.untilWorthTrying(this.#account.id, delayMs, signal)
      if (isAway) failures = -1
    }
  }

  /** Watches from connecting until the connection has ended; returns why it ended. */
  async #watch(signal: AbortSignal): Promise<{ problem: Problem; wasReady: boolean }> {
    let connection: MailConnection | undefined
    let wasReady = false
    try {
      connection = await this.#options.pool.openWatching(this.#account.id, signal)
      this.#isPolling = false
      const state = await connection.watch(folder, change => this.#noticed(change, signal))
      wasReady = true
      this.#isWatching = true
      this.#reportWatching()
      this.#options.pool.watchBegan(this.#account.id)
      this.#arrivals.begin(state, signal)
      this.#options.onChange?.(folder)
      return { problem: (await ended(connection, signal)) ?? lost(), wasReady }
    } catch (error) {
      if (!(error instanceof Problem)) this.#logBug(error, signal)
      return { problem: error instanceof Problem ? error : lost(error), wasReady }
    } finally {
      this.#isWatching = false
      await connection?.close()
    }
  }

  #noticed(change: WatchChange, signal: AbortSignal): void {
    if (change.kind === 'exists') this.#arrivals.look(signal)
    if (change.kind !== 'polling') return this.#options.onChange?.(folder)
    this.#isPolling = true
    this.#reportWatching()
  }

  #looked(problem: Problem | undefined): 'go on' | 'stop' {
    if (problem?.code === 'draining') return 'stop'
    if (problem && isFinal(problem)) {
      this.refuse(problem)
      return 'stop'
    }
    if (problem === this.#trouble) return 'go on'
    this.#trouble = problem
    this.#reportWatching()
    return 'go on'
  }

  /** Stops retrying until the login changes or a retry is requested. */
  #giveUp(problem: Problem): void {
    if (!this.#hasLogin) return
    this.#hasLogin = false
    const { logger } = this.#options
    logger.warn({ account_id: this.#account.id, code: problem.code }, 'an account is no longer retried')
    if (problem.code === 'mail_login_refused') this.#report('auth_failed', problem)
  }

  /** A lost connection is reconnecting; where a cap leaves none for watching, the account is still readable. */
  #stateAfter(problem: Problem, wasReady: boolean): AccountState {
    const { fault } = problem.extension
    const isReadable = problem.code === 'overloaded' || (fault === 'limit' && this.#hasConnection)
    if (isReadable) return 'degraded'
    // A server that was silent for that long is not expected back soon.
    return wasReady && fault !== 'timeout' && !isFlood(problem) ? 'connecting' : 'unreachable'
  }

  get #hasConnection(): boolean {
    return (this.#options.pool.connections(this.#account.id)?.open ?? 0) > 0
  }

  #reportWatching(): void {
    if (!this.#isWatching) return
    if (this.#trouble) return this.#report('degraded', this.#trouble)
    if (this.#isPolling) return this.#report('degraded', noIdle())
    this.#report('ready', null)
  }

  #report(state: AccountState, problem: Problem | null, nextRetryAt: string | null = null): void {
    const lastError = problem && toAccountError(problem)
    if (problem) this.#options.health.noteProblem(this.#account.id, problem)
    this.#options.health.set(this.#account, { state, lastError, nextRetryAt })
  }

  #logBug(err: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.#options.logger.error({ err, account_id: this.#account.id }, 'watching an account failed')
  }
}

function isFlood({ extension }: Problem): boolean {
  return extension.fault === 'flood'
}

function isFinal({ code }: Problem): boolean {
  return code === 'mail_login_refused' || code === 'account_disabled' || code === 'account_not_found'
}

function lost(cause?: unknown): Problem {
  return new Problem('mail_server_unreachable', 'The connection to the mail server was lost.', {
    fault: 'closed',
    cause,
  })
}

function noIdle(): Problem {
  const detail = 'The mail server does not support IDLE: it is polled for new mail every 30 seconds.'
  return new Problem('mail_server_refused', detail, { fault: 'no_idle' })
}

/** Resolves when the connection has ended or the signal aborts. */
async function ended(connection: MailConnection, signal: AbortSignal): Promise<Problem | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const abort = () => resolve(undefined)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([connection.closed, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
