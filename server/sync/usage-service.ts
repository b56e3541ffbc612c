/**
 * Records each account's traffic in memory, stored every half minute, and paces background work where the provider has
 * a known daily limit. A crash loses half a minute of counts.
 */
import type { AccountUsage, UsageDay } from '../../contract/account-usage.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Purpose, TrafficObserver } from '../imap/traffic.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { limitOf, type ProviderLimit } from './provider-limits.ts'
import type { UsageRow, UsageStore } from './usage-store.ts'

export interface UsageServiceOptions {
  store: Pick<UsageStore, 'add' | 'list' | 'receivedOn' | 'deleteBefore'>
  accounts: Pick<AccountService, 'get'>
  logger: Logger
  /** Returns the limit of an IMAP server by its host name. */
  limits?: (host: string) => ProviderLimit | undefined
  now?: () => number
  flushMs?: number
}

/** Comparing folders, or reading older mail. */
export type BackgroundStep = 'look' | 'backfill'

const dayMs = 24 * 60 * 60_000
const keptDays = 35
/** Share of a daily limit above which the backfill is spread over the rest of the day. */
const slowedFrom = 0.8

interface Today {
  day: string
  /** Bytes in the database, without those counted in memory. */
  stored: number
  /** Start of the line to the limit: time, and bytes received by then. */
  slowedAt?: { ms: number; received: number }
}

export class UsageService implements TrafficObserver {
  readonly #options: UsageServiceOptions
  readonly #now: () => number
  readonly #limits: (host: string) => ProviderLimit | undefined
  /** Not stored yet; at most one row per account, purpose and day since the last successful store. */
  #counted = new Map<string, UsageRow>()
  /** Being written to the database. */
  #leaving = new Map<string, UsageRow>()
  readonly #today = new Map<string, Today>()
  #timer: NodeJS.Timeout | undefined
  #storing: Promise<void> = Promise.resolve()
  #prunedOn = ''

  constructor(options: UsageServiceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#limits = options.limits ?? limitOf
  }

  start(): void {
    this.#timer = setInterval(() => void this.store(), this.#options.flushMs ?? 30_000).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.store()
  }

  opened(accountId: string, purpose: Purpose, open: number): void {
    const row = this.#rowOf(accountId, purpose)
    row.connections++
    row.most_open = Math.max(row.most_open, open)
  }

  moved(accountId: string, purpose: Purpose, received: number, sent: number): void {
    const row = this.#rowOf(accountId, purpose)
    row.received += received
    row.sent += sent
  }

  /** Stores the counts; those that the database rejects are kept and retried. Never throws. */
  store(): Promise<void> {
    this.#storing = this.#storing.then(() => this.#store())
    return this.#storing
  }

  /** @throws Problem `account_not_found`, also for accounts hidden from the principal. */
  async get(principal: Principal, accountId: string): Promise<AccountUsage> {
    const account = await this.#options.accounts.get(principal, accountId)
    await this.store()
    const limit = this.#limits(account.imap.host)
    const rows = await this.#options.store.list(account.id)
    // Counts that could not be stored are included.
    const waiting = [...this.#counted.values()].filter(({ account_id }) => account_id === account.id)
    return {
      limits: limit
        ? {
            provider: limit.provider,
            received_bytes_per_day: limit.receivedPerDay,
            sent_bytes_per_day: limit.sentPerDay,
            connections: limit.connections,
          }
        : null,
      pace: await this.#paceOf(account.id, account.imap.host),
      days: [...Map.groupBy([...waiting, ...rows], ({ day }) => day)]
        .sort(([one], [other]) => (one < other ? 1 : -1))
        .slice(0, keptDays)
        .map(([day, ofDay]) => toDay(day, ofDay)),
    }
  }

  /** Returns the milliseconds that a background step has to wait, 0 for none. Asked again before each step. */
  async delayMs(accountId: string, host: string, step: BackgroundStep): Promise<number> {
    const perDay = this.#limits(host)?.receivedPerDay
    if (!perDay) return 0
    const [today, received] = await this.#receivedToday(accountId)
    const now = this.#now()
    const end = (Math.floor(now / dayMs) + 1) * dayMs
    if (received >= perDay) return end - now
    if (received < perDay * slowedFrom || step === 'look') return 0
    // Interpolates from here and now to the limit at the end of the day.
    today.slowedAt ??= { ms: now, received }
    const from = today.slowedAt
    const share = (received - from.received) / (perDay - from.received)
    return Math.max(0, from.ms + share * (end - from.ms) - now)
  }

  async #paceOf(accountId: string, host: string): Promise<AccountUsage['pace']> {
    const perDay = this.#limits(host)?.receivedPerDay
    if (!perDay) return 'full'
    const [, received] = await this.#receivedToday(accountId)
    if (received >= perDay) return 'paused'
    return received >= perDay * slowedFrom ? 'slowed' : 'full'
  }

  async #receivedToday(accountId: string): Promise<[Today, received: number]> {
    const day = this.#day()
    let today = this.#today.get(accountId)
    if (today?.day !== day) {
      // Runs in sequence with storing, so that nothing is counted twice or missed.
      const loading = this.#storing.then(() => this.#options.store.receivedOn(accountId, day))
      this.#storing = loading.then(
        stored => void this.#today.set(accountId, { day, stored }),
        () => undefined,
      )
      await loading
      await this.#storing
      today = this.#today.get(accountId) ?? { day, stored: 0 }
    }
    const waiting = [...this.#counted.values(), ...this.#leaving.values()]
    const ofToday = waiting.filter(row => row.account_id === accountId && row.day === day)
    return [today, ofToday.reduce((sum, { received }) => sum + received, today.stored)]
  }

  #rowOf(accountId: string, purpose: Purpose): UsageRow {
    const day = this.#day()
    const key = `${accountId} ${day} ${purpose}`
    const known = this.#counted.get(key)
    if (known) return known
    const row = { account_id: accountId, day, purpose, received: 0, sent: 0, connections: 0, most_open: 0 }
    this.#counted.set(key, row)
    return row
  }

  async #store(): Promise<void> {
    const { store, logger } = this.#options
    const rows = this.#counted
    this.#counted = new Map()
    this.#leaving = rows
    try {
      if (rows.size > 0) await store.add([...rows.values()])
      for (const { account_id, day, received } of rows.values()) {
        const today = this.#today.get(account_id)
        if (today?.day === day) today.stored += received
      }
    } catch (err) {
      logger.warn({ err }, 'the traffic of mail accounts could not be stored; it is retried')
      this.#countAgain(rows.values())
    }
    this.#leaving = new Map()
    await this.#prune().catch(err => logger.warn({ err }, 'old traffic of mail accounts could not be deleted'))
  }

  #countAgain(rows: Iterable<UsageRow>): void {
    for (const row of rows) {
      const key = `${row.account_id} ${row.day} ${row.purpose}`
      const later = this.#counted.get(key)
      this.#counted.set(key, later ? added(row, later) : row)
    }
  }

  /** Deletes old rows, once a day. */
  async #prune(): Promise<void> {
    const day = this.#day()
    if (this.#prunedOn === day) return
    await this.#options.store.deleteBefore(this.#day(this.#now() - (keptDays - 1) * dayMs))
    this.#prunedOn = day
    for (const [accountId, today] of this.#today) if (today.day !== day) this.#today.delete(accountId)
  }

  #day(ms = this.#now()): string {
    return new Date(ms).toISOString().slice(0, 10)
  }
}

function added(one: UsageRow, other: UsageRow): UsageRow {
  return {
    ...one,
    received: one.received + other.received,
    sent: one.sent + other.sent,
    connections: one.connections + other.connections,
    most_open: Math.max(one.most_open, other.most_open),
  }
}

function toDay(day: string, rows: readonly UsageRow[]): UsageDay {
  const trafficOf = (some: readonly UsageRow[]) => ({
    received_bytes: some.reduce((sum, { received }) => sum + received, 0),
    sent_bytes: some.reduce((sum, { sent }) => sum + sent, 0),
    connections: some.reduce((sum, { connections }) => sum + connections, 0),
  })
  const of = (purpose: Purpose) => trafficOf(rows.filter(row => row.purpose === purpose))
  return {
    day,
    ...trafficOf(rows),
    most_open: Math.max(...rows.map(({ most_open }) => most_open)),
    sync: of('sync'),
    interactive: of('interactive'),
    watch: of('watch'),
  }
}
