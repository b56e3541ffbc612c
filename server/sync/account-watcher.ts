/** Keeps one connection of an account in IDLE on INBOX, comes back when it is lost, and tells how the account fares. */
import type { AccountState, IndexLevel } from '../../contract/accounts.ts'
import { mailboxOf } from '../accounts/account-row.ts'
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
  /** Of its owner, where it is known. */
  email?: string
  /** Null, or left out: the default of the server. */
  indexLevel?: IndexLevel | null
  /** Beside INBOX. */
  watchedFolders?: readonly string[]
  /** Between two looks at all folders; a minute unless given. */
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
  /** Hears that something came, went or changed in the folder, or may have while nobody looked. */
  onChange?(folder: string): void
  indexerOf?: ArrivalSyncOptions['indexerOf']
}

const folder = 'INBOX'
/** A connection that held so long was healthy: the next loss starts the waiting from the beginning. */
const healthyMs = 30_000

export class AccountWatcher {
  readonly #options: AccountWatcherOptions
  readonly #backoff: Backoff
  readonly #arrivals: ArrivalSync
  #account: { id: string; name: string }
  #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** Why new mail cannot be listed although the watching connection stands. */
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

  /** Also after `stop`: what came in between is then announced. */
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

  /** Ends the connection. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  /** The server refused the password, here or to a command connection: nothing more is tried until `start`. */
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
      // Nothing is said of an account because we are going away.
      if (signal.aborted || problem.code === 'draining') return
      if (isFinal(problem)) return this.#giveUp(problem)
      // A server that floods each connection is never healthy, however long it took until the flood was too much.
      if (wasReady && !isFlood(problem) && performance.now() - began >= healthyMs) failures = 0
      const { pool } = this.#options
      const isAway = pool.isAway(this.#account.id)
      const delayMs = backoffDelay(failures, this.#backoff)
      // Of a server that is away it is looked at again and again whether it is back; the account need not wait longer than that.
      const nextRetryAt = new Date(Date.now() + (isAway ? 0 : delayMs)).toISOString()
      this.#report(this.#stateAfter(problem, wasReady), problem, nextRetryAt)
      // An abort ends the wait and then the loop.
      await pool.untilWorthTrying(this.#account.id, delayMs, signal)
      if (isAway) failures = -1
    }
  }

  /** From connecting until the connection has ended; says why it did. */
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

  /** Until something changes: the login, or that someone asks for another try. */
  #giveUp(problem: Problem): void {
    if (!this.#hasLogin) return
    this.#hasLogin = false
    const { logger } = this.#options
    logger.warn({ account_id: this.#account.id, code: problem.code }, 'an account is no longer retried')
    if (problem.code === 'mail_login_refused') this.#report('auth_failed', problem)
  }

  /** One that stood until now is on its way back; where a cap leaves no connection for watching, the account can still be read. */
  #stateAfter(problem: Problem, wasReady: boolean): AccountState {
    const { fault } = problem.extension
    const isReadable = problem.code === 'overloaded' || (fault === 'limit' && this.#hasConnection)
    if (isReadable) return 'degraded'
    // What was silent for so long is not on its way back.
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

/** Resolves when the connection has ended, or is to be ended. */
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
