/**
 * Announces alerts: each round compares what fires with what each notifier knows, stores due notices, and delivers
 * them, by the holder of the lease only. At-least-once: after a crash in between, a notice is repeated with its id.
 */

import { lowerAscii } from '../../contract/ascii-case.ts'
import type { Fact } from '../../contract/event.ts'
import { notifierBounds } from '../../contract/notifiers.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { LeaseLost } from '../platform/lease.ts'
import { every } from '../platform/lifecycle.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import { delayOf } from '../webhooks/webhook-pace.ts'
import { type Attempted, type AttemptOptions, attemptNotice } from './notice-attempt.ts'
import { type Plan, type PlannedNotifier, planNotices, type TellableAlert } from './notice-plan.ts'
import type { NoticeContent } from './notice-words.ts'
import type { AttemptResult, NotifierStore } from './notifier-store.ts'
import type { NoticeRow, NotifierRow } from './notifier-tables.ts'
import { openTarget, type WholeTarget } from './notifier-target.ts'
import { routingOf } from './notifier-view.ts'
import { UnstoredNotices } from './unstored-notices.ts'

export interface AlertSource {
  firing(): Promise<TellableAlert[]>
  /** Returns these alerts, whatever their state. */
  find(ids: readonly string[]): Promise<TellableAlert[]>
}

export interface NotifierEngineOptions extends AttemptOptions {
  store: NotifierStore
  alerts: AlertSource
  hub: Pick<EventHub, 'listen'>
  leases: Pick<LeaseService, 'want'>
  /** Returns the e-mail address of an account. */
  addressOf(accountId: string): Promise<string | undefined>
}

const tickMs = 1_000
/** Acknowledging and silencing alerts publish no facts, so it also polls at this interval. */
const idleMs = 15_000
const hourMs = 60 * 60_000
/** Milliseconds between attempts of a refused notice, until something is changed. */
const refusedMs = 10 * 60_000

export class NotifierEngine {
  readonly #options: NotifierEngineOptions
  readonly #noticeIds: RisingIds
  readonly #deliveryIds: RisingIds
  readonly #stopped = new AbortController()
  readonly #running = new Map<string, Promise<void>>()
  /** Results of attempts that could not be stored: their notices are not sent again. */
  readonly #unwritten = new Map<string, AttemptResult>()
  /** Notices written since they were last read: that result may be stale. */
  readonly #written = new Set<string>()
  /** The times of each notifier's notices in the last hour. */
  readonly #stamps = new Map<string, number[]>()
  readonly #unstored: UnstoredNotices
  #cut = new AbortController()
  #claim: LeaseClaim | undefined
  #round: Promise<void> | undefined
  #isWanted = true
  #nextAt = 0
  #isFailing = false
  #forget: (() => void)[] = []

  constructor(options: NotifierEngineOptions) {
    this.#options = options
    this.#noticeIds = new RisingIds('o', options.now)
    this.#deliveryIds = new RisingIds('d', options.now)
    this.#unstored = new UnstoredNotices({ ...options, isOwner: () => this.#claim?.find() !== undefined })
  }

  async start(): Promise<void> {
    const { hub, leases, store, logger } = this.#options
    this.#deliveryIds.startAfter(await store.newestDeliveryId().catch(() => undefined))
    this.#claim = leases.want('notifiers', {
      won: () => {
        this.#cut = new AbortController()
        this.wake()
      },
      lost: () => this.#cut.abort(),
    })
    this.#forget = [hub.listen('alert_raised', () => this.wake()), hub.listen('alert_cleared', () => this.wake())]
    const failed = (err: unknown) => logger.error({ err }, 'notifiers could not be maintained')
    every(tickMs, this.#stopped.signal, () => this.#tick(), failed)
  }

  /** Aborts attempts in flight; they are made again, with the same ids. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const forget of this.#forget) forget()
    await this.#round
    await Promise.all([...this.#running.values(), this.#unstored.stop()])
    await this.#claim?.giveBack()
  }

  /** Takes facts about the server itself as they happen, when it may be that nothing can be stored. */
  observe(fact: Fact): void {
    this.#unstored.observe(fact)
  }

  /** Triggers a round after a change. */
  wake(): void {
    this.#isWanted = true
    void this.look()
  }

  /** Runs one round at a time; never rejects. */
  look(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve()
    this.#round ??= this.#lookUntilQuiet().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  /** Resolves when no attempt is in flight; for tests. */
  async idle(): Promise<void> {
    await this.#round
    await Promise.all(this.#running.values())
  }

  #tick(): void {
    if (this.#isWanted || this.#nextAt <= this.#options.now()) void this.look()
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#isWanted = false
      try {
        await this.#look()
        this.#isFailing = false
      } catch (err) {
        if (err instanceof LeaseLost) return
        if (!this.#isFailing) this.#options.logger.warn({ err }, 'notifiers could not be checked; retrying')
        this.#isFailing = true
        this.#nextAt = 0
      }
    } while (this.#isWanted && !this.#isFailing && !this.#stopped.signal.aborted)
  }

  async #look(): Promise<void> {
    const { store, now } = this.#options
    if (!this.#claim?.find()) return
    this.#nextAt = now() + idleMs
    const rows = await store.list()
    this.#unstored.know(rows)
    // A running attempt is about to write its result itself.
    for (const [id, result] of this.#unwritten) if (!this.#running.has(id)) await this.#write(id, result)
    if (rows.length === 0) return
    const plan = await this.#plan(rows)
    await this.#store(plan)
    this.#nextAt = Math.min(this.#nextAt, plan.nextAt)
    const byId = new Map(rows.map(row => [row.id, row]))
    this.#written.clear()
    for (const notice of await store.listNotices()) this.#deliver(notice, byId.get(notice.notifier_id))
  }

  async #plan(rows: readonly NotifierRow[]): Promise<Plan> {
    const { store, alerts, now } = this.#options
    const [notified, notices, firing] = await Promise.all([store.listNotified(), store.listNotices(), alerts.firing()])
    const all = new Map(firing.map(alert => [alert.alert_id, alert]))
    const others = new Set(notified.filter(({ state }) => state !== 'over').map(({ alert_id: id }) => id))
    const rest = [...others].filter(id => !all.has(id))
    if (rest.length > 0) for (const alert of await alerts.find(rest)) all.set(alert.alert_id, alert)
    const addresses = await this.#addressesOf(all.values())
    const notifiers = rows.map((row): PlannedNotifier => {
      const target = openTarget(this.#options.secrets, row.id, row.target_sealed)
      return {
        id: row.id,
        routing: routingOf(row),
        noticedAt: row.noticed_at,
        isFull: this.#stampsOf(row.id).length >= notifierBounds.perHour,
        loops: alert => goesByItself(target, alert, addresses),
      }
    })
    return planNotices({ notifiers, alerts: all, notified, notices, now: now() })
  }

  async #store(plan: Plan): Promise<void> {
    const { store, now } = this.#options
    const { notices: planned, notified, forgotten, handedOver } = plan
    const lease = this.#claim?.find()
    if (!lease || planned.length + notified.length + forgotten.length + handedOver.length === 0) return
    const at = now()
    const notices = planned.map(({ notifierId, content }): NoticeRow => {
      const id = this.#noticeIds.next()
      const fresh = { created_at: at, attempts: 0, next_try_at: at, is_refused: 0, is_handed_over: 0 }
      return { id, notifier_id: notifierId, content: JSON.stringify(content), ...fresh }
    })
    await store.transaction(async transaction => {
      await lease.fence(transaction)
      await store.apply(transaction, { notices, notified, forgotten, handedOver })
    })
    for (const { notifier_id: id } of notices) this.#stamps.set(id, [...this.#stampsOf(id), at])
  }

  #deliver(notice: NoticeRow, row: NotifierRow | undefined): void {
    const { now } = this.#options
    if (!row || !routingOf(row).enabled || this.#stopped.signal.aborted) return
    if (this.#running.has(notice.id) || this.#unwritten.has(notice.id) || this.#written.has(notice.id)) return
    if (notice.next_try_at > now()) {
      this.#nextAt = Math.min(this.#nextAt, notice.next_try_at)
      return
    }
    const running = this.#attempt(notice, row).finally(() => {
      this.#running.delete(notice.id)
      this.wake()
    })
    this.#running.set(notice.id, running)
  }

  /** Never rejects. */
  async #attempt(notice: NoticeRow, row: NotifierRow): Promise<void> {
    const signal = AbortSignal.any([this.#stopped.signal, this.#cut.signal])
    const { id, created_at: at, attempts } = notice
    const content = JSON.parse(notice.content) as NoticeContent
    const attempted = await attemptNotice(this.#options, row, { id, content, at, attempt: attempts + 1 }, signal)
    if (attempted.outcome.kind !== 'sent' && signal.aborted) return
    const result = this.#resultOf(notice, row, attempted)
    this.#unwritten.set(id, result)
    await this.#write(id, result).catch((err: unknown) => {
      if (err instanceof LeaseLost) this.#unwritten.delete(id)
      else this.#options.logger.warn({ err }, 'an attempt of a notifier could not be stored')
    })
  }

  async #write(noticeId: string, result: AttemptResult): Promise<void> {
    const { store } = this.#options
    const lease = this.#claim?.find()
    // Otherwise another process has the lease, and makes the attempt again.
    if (lease) {
      await store.transaction(async transaction => {
        await lease.fence(transaction)
        await store.finish(transaction, noticeId, result)
      })
    }
    this.#written.add(noticeId)
    this.#unwritten.delete(noticeId)
  }

  #resultOf(notice: NoticeRow, row: NotifierRow, { outcome, delivery }: Attempted): AttemptResult {
    const { now, logger } = this.#options
    const id = this.#deliveryIds.next()
    const { at, attempt } = delivery
    if (outcome.kind === 'sent') {
      const standing = { failing_since: null, last_fault: null, last_success_at: at }
      return { delivery: { ...delivery, id, outcome: 'delivered' }, again: undefined, standing }
    }
    const standing = { failing_since: row.failing_since ?? at, last_fault: outcome.said }
    const isRefused = outcome.kind === 'refused'
    const wait = isRefused ? refusedMs : delayOf(attempt, outcome.kind === 'retry' ? outcome.afterMs : undefined)
    const isOver = now() + wait > notice.created_at + notifierBounds.hoursTried * hourMs
    if (isOver) logger.warn({ notifier: row.id, notice: notice.id, said: outcome.said }, 'a notice was given up')
    const again = { attempts: attempt, next_try_at: now() + wait, is_refused: isRefused ? 1 : 0 }
    return {
      delivery: { ...delivery, id, outcome: isOver ? 'abandoned' : 'retried' },
      again: isOver ? undefined : again,
      standing,
    }
  }

  #stampsOf(id: string): number[] {
    const since = this.#options.now() - hourMs
    return (this.#stamps.get(id) ?? []).filter(at => at > since)
  }

  async #addressesOf(alerts: Iterable<TellableAlert>): Promise<Map<string, string>> {
    const addresses = new Map<string, string>()
    for (const { account_id: id } of alerts) {
      if (id === null || addresses.has(id)) continue
      addresses.set(id, lowerAscii((await this.#options.addressOf(id)) ?? ''))
    }
    return addresses
  }
}

/** Returns true if mail about an account would be sent from that account, or only to it. */
function goesByItself(
  target: WholeTarget,
  { account_id: id }: TellableAlert,
  addresses: ReadonlyMap<string, string>,
): boolean {
  if (target.kind !== 'email' || id === null) return false
  return target.account_id === id || target.to.every(email => lowerAscii(email) === addresses.get(id))
}
