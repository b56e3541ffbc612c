/**
 * Announces a database that accepts no writes. Nothing can be stored then, so these notices are in memory, for the last
 * known notifiers; a crash loses them, and the next start announces again what still holds.
 */

import type { Fact } from '../../contract/event.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import { pause } from '../platform/waits.ts'
import { delayOf } from '../webhooks/webhook-pace.ts'
import { type AttemptOptions, attemptNotice } from './notice-attempt.ts'
import { contentOf } from './notice-words.ts'
import type { NoticeAlert } from './notifier.ts'
import type { NotifierStore } from './notifier-store.ts'
import type { DeliveryRow, NotifierRow } from './notifier-tables.ts'
import { routingOf } from './notifier-view.ts'

export interface UnstoredOptions extends AttemptOptions {
  store: Pick<NotifierStore, 'note' | 'transaction'>
  /** Returns true if this process sends notices. */
  isOwner(): boolean
}

const kind = 'database_unwritable'
const name = 'The database takes no writes'
const mostAttempts = 8
/** Attempts that wait to be logged. */
const mostRows = 100

export class UnstoredNotices {
  readonly #options: UnstoredOptions
  readonly #noticeIds: RisingIds
  readonly #deliveryIds: RisingIds
  readonly #stopped = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #known: readonly NotifierRow[] = []
  #unlogged: DeliveryRow[] = []
  #standing: { words: string; at: string } | undefined
  /** Resolves, by notifier, to whether it delivered the notice about the current outage. */
  #reported = new Map<string, Promise<boolean>>()

  constructor(options: UnstoredOptions) {
    this.#options = options
    this.#noticeIds = new RisingIds('o', options.now)
    this.#deliveryIds = new RisingIds('d', options.now)
  }

  know(rows: readonly NotifierRow[]): void {
    this.#known = rows
    if (this.#standing) this.#reportAll()
  }

  observe({ type, data }: Fact): void {
    if (type === 'alert_raised' && data.alert === kind) {
      this.#standing = { words: `${name}: ${data.detail}`, at: data.at }
      this.#reportAll()
    } else if (type === 'alert_cleared' && data.alert === kind) this.#end(data.at)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#running)
  }

  #reportAll(): void {
    const { isOwner } = this.#options
    if (!this.#standing || !isOwner()) return
    const item = itemOf(this.#standing, 'raised', null)
    for (const row of this.#known) {
      if (!isTold(row) || this.#reported.has(row.id)) continue
      this.#reported.set(row.id, this.#own(this.#send(row, item)))
    }
  }

  /** Announces the end, only by notifiers that delivered the beginning. */
  #end(at: string): void {
    const [standing, told] = [this.#standing, this.#reported]
    this.#standing = undefined
    this.#reported = new Map()
    void this.#own(this.#log([]))
    if (!standing) return
    for (const row of this.#known) {
      const telling = told.get(row.id)
      if (!telling || !routingOf(row).tells_cleared) continue
      void this.#own(telling.then(async wasTold => wasTold && this.#send(row, itemOf(standing, 'cleared', at))))
    }
  }

  /** @returns True if delivered. Never rejects. */
  async #send(row: NotifierRow, item: NoticeAlert): Promise<boolean> {
    const { signal } = this.#stopped
    const notice = { id: this.#noticeIds.next(), content: contentOf([item], 'alerts', undefined) }
    const at = this.#options.now()
    for (let attempt = 1; attempt <= mostAttempts && !signal.aborted; attempt++) {
      const { outcome, delivery } = await attemptNotice(this.#options, row, { ...notice, at, attempt }, signal)
      const isSent = outcome.kind === 'sent'
      const isOver = isSent || outcome.kind === 'refused' || attempt === mostAttempts
      if (signal.aborted && !isSent) return false
      const word = isSent ? 'delivered' : isOver ? 'abandoned' : 'retried'
      await this.#log([{ ...delivery, id: this.#deliveryIds.next(), outcome: word }])
      if (isOver) return isSent
      const wait = delayOf(attempt, outcome.kind === 'retry' ? outcome.afterMs : undefined)
      await pause(wait, signal)
    }
    return false
  }

  /** Rows that cannot be written wait until they can. */
  async #log(rows: readonly DeliveryRow[]): Promise<void> {
    const { store } = this.#options
    const waiting = [...this.#unlogged, ...rows].slice(-mostRows)
    this.#unlogged = []
    try {
      await store.transaction(async transaction => {
        for (const row of waiting) await store.note(transaction, row)
      })
    } catch {
      this.#unlogged = [...waiting, ...this.#unlogged].slice(-mostRows)
    }
  }

  #own<Result>(work: Promise<Result>): Promise<Result> {
    const running = work.then(() => undefined).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return work
  }
}

function isTold(row: NotifierRow): boolean {
  const { enabled, only_escalations: isSecond, rule_ids: rules, account_ids: accounts } = routingOf(row)
  return enabled && !isSecond && accounts.length === 0 && (rules.length === 0 || rules.includes(kind))
}

function itemOf(
  { words, at }: { words: string; at: string },
  what: NoticeAlert['what'],
  clearedAt: string | null,
): NoticeAlert {
  const of = { alert_id: kind, rule_id: kind, name, severity: 'critical' as const, account_id: null }
  return { ...of, words, what, raised_at: at, cleared_at: clearedAt }
}
