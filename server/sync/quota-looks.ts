/**
 * Checks mailbox quotas, at most hourly and after a server was out of room, and announces nearly full and full ones.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { QuotaLevel } from '../../contract/account-server.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { QuotaFigures } from '../imap/gateway-capabilities.ts'
import type { Logger } from '../platform/logger.ts'
import { isStopping, Problem } from '../platform/problem.ts'
import type { ServerBook } from './server-book.ts'

export interface QuotaLooksOptions {
  book: Pick<ServerBook, 'accountIds' | 'find' | 'onFull' | 'saveQuota' | 'noteQuota'>
  pool: Pick<ConnectionPool, 'run' | 'connections'>
  hub: Pick<EventHub, 'transact'>
  logger: Logger
  now?: () => number
  /** Interval for checking which accounts are due. */
  roundMs?: number
}

const hourMs = 60 * 60_000
/** Minimum interval after a refusal for lack of room, which others are likely to follow. */
const refusedMs = 60_000
const [nearlyFrom, nearlyUntil, fullFrom] = [90, 85, 100]

export class QuotaLooks {
  readonly #options: QuotaLooksOptions
  readonly #now: () => number
  /** Accounts refused for lack of room since their last check. */
  readonly #refused = new Set<string>()
  /** Time of each account's last check, successful or not. */
  readonly #tried = new Map<string, number>()
  #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #stopHearing: () => void = () => undefined

  constructor(options: QuotaLooksOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  start(): void {
    this.#abort = new AbortController()
    this.#stopHearing = this.#options.book.onFull(accountId => this.#refused.add(accountId))
    this.#running = this.#run(this.#abort.signal)
  }

  async stop(): Promise<void> {
    this.#stopHearing()
    this.#abort.abort()
    await this.#running
  }

  /** Checks all accounts that are due, one after the other. */
  async look(signal: AbortSignal): Promise<void> {
    const { book } = this.#options
    const accountIds = new Set(book.accountIds)
    for (const known of this.#tried.keys()) if (!accountIds.has(known)) this.#tried.delete(known)
    for (const accountId of accountIds) {
      if (signal.aborted) return
      if (this.#isDue(accountId)) await this.#lookAt(accountId, signal)
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await wait(this.#options.roundMs ?? 15_000, undefined, { signal, ref: false }).catch(() => undefined)
      await this.look(signal)
    }
  }

  #isDue(accountId: string): boolean {
    const { book, pool } = this.#options
    const row = book.find(accountId)
    if (!row?.imap_offers || !/"QUOTA["=]/.test(row.imap_offers)) return false
    // No connection is opened for this alone.
    if ((pool.connections(accountId)?.open ?? 0) === 0) return false
    const at = Math.max(this.#tried.get(accountId) ?? 0, row.quota_at === null ? 0 : Date.parse(row.quota_at))
    return this.#now() - at >= (this.#refused.has(accountId) ? refusedMs : hourMs)
  }

  /** Checks one account. Never throws. */
  async #lookAt(accountId: string, signal: AbortSignal): Promise<void> {
    const { pool, logger } = this.#options
    this.#tried.set(accountId, this.#now())
    const wasRefused = this.#refused.delete(accountId)
    try {
      const quota = await pool.run(accountId, 'background', connection => connection.quota(), signal)
      await this.#note(accountId, quota, wasRefused)
    } catch (err) {
      if (signal.aborted || isStopping(err)) return
      if (!(err instanceof Problem)) logger.warn({ err, account_id: accountId }, 'a quota could not be checked')
    }
  }

  async #note(accountId: string, quota: QuotaFigures | undefined, wasRefused: boolean): Promise<void> {
    const { book, hub } = this.#options
    const before = book.find(accountId)?.quota_level ?? 'ok'
    const percent = percentOf(quota)
    const level = levelOf(percent, before, wasRefused)
    const at = new Date(this.#now()).toISOString()
    const values = { quota: quota ? JSON.stringify(quota) : null, quota_at: at, quota_level: level }
    const isThere = await hub.transact(async (transaction, publish) => {
      if (!(await book.saveQuota(transaction, accountId, values))) return false
      const [used_bytes, limit_bytes] = [quota?.bytes?.used ?? null, quota?.bytes?.limit ?? null]
      const figures = { percent: percent ?? null, used_bytes, limit_bytes, at }
      if (level !== before) publish({ type: 'quota_changed', data: { account_id: accountId, level, ...figures } })
      return true
    })
    if (isThere) book.noteQuota(accountId, values)
  }
}

/** Returns the percentage of the resource closest to its limit; undefined where nothing is limited. */
export function percentOf(quota: QuotaFigures | undefined): number | undefined {
  const shares = [quota?.bytes, quota?.messages].flatMap(each => (each ? [each.used / each.limit] : []))
  return shares.length === 0 ? undefined : Math.min(1_000, Math.floor(Math.max(...shares) * 100))
}

/** @param wasRefused The server was out of room: a mailbox may count as full before its last byte is used. */
function levelOf(percent: number | undefined, before: QuotaLevel, wasRefused: boolean): QuotaLevel {
  if (percent === undefined) return 'ok'
  if (percent >= fullFrom || (percent >= nearlyFrom && wasRefused)) return 'full'
  if (percent >= nearlyFrom) return before === 'full' && percent >= 99 ? 'full' : 'nearly_full'
  return before !== 'ok' && percent >= nearlyUntil ? 'nearly_full' : 'ok'
}
