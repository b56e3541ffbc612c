/** Plans what each notifier announces now: a pure function of the firing alerts and of what it already knows. */
import type { NotifierRouting } from '../../contract/notifiers.ts'
import { contentOf, type NoticeContent, rankOf } from './notice-words.ts'
import type { NoticeAlert } from './notifier.ts'
import type { RoundChanges } from './notifier-store.ts'
import type { NoticeRow, NotifiedRow } from './notifier-tables.ts'

/** The fields of an alert that notifiers need. */
export interface TellableAlert extends Omit<NoticeAlert, 'what'> {
  state: 'pending' | 'firing' | 'cleared'
  is_quiet: boolean
  is_silenced: boolean
  is_acknowledged: boolean
}

export interface PlannedNotifier {
  id: string
  routing: NotifierRouting
  /** Epoch milliseconds. */
  noticedAt: number | null
  /** True if it has sent as many as it may in an hour. */
  isFull: boolean
  /** Returns true if its notice about this alert would depend on what the alert is about. */
  loops(alert: TellableAlert): boolean
}

export interface Situation {
  notifiers: readonly PlannedNotifier[]
  /** Alerts by id: all that fire, and those that a notifier knows. */
  alerts: ReadonlyMap<string, TellableAlert>
  notified: readonly NotifiedRow[]
  notices: readonly NoticeRow[]
  now: number
}

export interface Plan extends Omit<RoundChanges, 'notices'> {
  notices: { notifierId: string; content: NoticeContent }[]
  /** When to plan next if nothing changes. */
  nextAt: number
}

/** Milliseconds between two notices of a notifier, so that simultaneous alerts are sent together. */
export const apartMs = 2_000
/** How long a cleared alert stays known in ms: the longest time of grouping. */
const overMs = 60 * 60_000
/** Milliseconds until a notifier that reached its hourly limit is checked again. */
const fullMs = 60_000
/** Failed attempts after which another notifier is used instead. */
const failedBefore = 4

export function planNotices(situation: Situation): Plan {
  return new Planning(situation).plan
}

class Planning {
  readonly plan: Plan = { notices: [], notified: [], forgotten: [], handedOver: [], nextAt: Number.POSITIVE_INFINITY }
  readonly #situation: Situation
  readonly #known = new Map<string, Map<string, NotifiedRow>>()
  readonly #changed = new Set<NotifiedRow>()
  readonly #busy: Set<string>

  constructor(situation: Situation) {
    const { notifiers, notices, notified } = situation
    this.#situation = situation
    this.#busy = new Set(notices.map(({ notifier_id: id }) => id))
    for (const { id } of notifiers) this.#known.set(id, new Map())
    for (const row of notified) this.#known.get(row.notifier_id)?.set(row.alert_id, { ...row })
    for (const notifier of notifiers) if (notifier.routing.enabled) this.#look(notifier)
    for (const notifier of notifiers) if (notifier.routing.enabled) this.#handOver(notifier)
    for (const notifier of notifiers) if (notifier.routing.enabled) this.#announce(notifier)
    this.plan.notified = [...this.#changed]
  }

  /** Finds alerts that are new to the notifier. */
  #look(notifier: PlannedNotifier): void {
    const { alerts, now } = this.#situation
    const known = this.#rows(notifier)
    for (const [id, alert] of alerts) {
      if (known.has(id) || !matches(notifier.routing, alert)) continue
      const isBarred = notifier.loops(alert)
      if (isBarred && !notifier.routing.escalate) continue
      const state = isBarred ? 'barred' : 'waiting'
      const row: NotifiedRow = {
        ...{ notifier_id: notifier.id, alert_id: id, rule_id: alert.rule_id, state },
        ...{ first_at: now, told_at: null, is_escalated: 0 },
      }
      known.set(id, row)
      this.#changed.add(row)
    }
  }

  /** Hands over what was not acknowledged or could not be delivered. */
  #handOver({ id, routing: { escalate, name } }: PlannedNotifier): void {
    const { notices, now } = this.#situation
    const other = this.#situation.notifiers.find(each => each.id === escalate?.notifier_id)
    if (!escalate || !other?.routing.enabled || other.id === id) return
    const failed = notices.find(notice => notice.notifier_id === id && isFailed(notice))
    if (failed) {
      if (!this.#isFree(other)) return
      const { items } = JSON.parse(failed.content) as NoticeContent
      this.#take(other, items, { reason: 'instead', by: name })
      this.plan.handedOver = [...this.plan.handedOver, failed.id]
      return
    }
    const due = { escalation: [] as NotifiedRow[], instead: [] as NotifiedRow[] }
    for (const row of this.#known.get(id)?.values() ?? []) {
      const alert = this.#situation.alerts.get(row.alert_id)
      if (row.is_escalated || !alert || alert.state !== 'firing' || alert.is_acknowledged || alert.is_silenced) continue
      if (row.state === 'barred') due.instead.push(row)
      if (row.state !== 'told') continue
      const at = row.first_at + escalate.after_minutes * 60_000
      if (at <= now) due.escalation.push(row)
      else this.#until(at)
    }
    for (const reason of ['instead', 'escalation'] as const) {
      const rows = due[reason]
      if (rows.length === 0 || !this.#isFree(other)) continue
      const alerts = rows.flatMap(row => this.#situation.alerts.get(row.alert_id) ?? [])
      const told = alerts.filter(alert => !other.loops(alert)).map(alert => itemOf(alert, 'raised'))
      const minutes = reason === 'escalation' ? { minutes: escalate.after_minutes } : {}
      if (told.length > 0) this.#take(other, told, { reason, by: name, ...minutes })
      for (const row of rows) this.#set(row, { is_escalated: 1 })
    }
  }

  /** The other notifier announces them, and their end. */
  #take(
    other: PlannedNotifier,
    items: readonly NoticeAlert[],
    { reason, ...handed }: { reason: 'escalation' | 'instead'; by: string; minutes?: number },
  ): void {
    const { now, alerts } = this.#situation
    const rows = this.#rows(other)
    for (const { alert_id: alertId, rule_id: ruleId } of items) {
      const known = rows.get(alertId)
      if (known) this.#set(known, { state: 'told', told_at: now })
      else if (alerts.get(alertId)?.state === 'firing') {
        const row: NotifiedRow = {
          ...{ notifier_id: other.id, alert_id: alertId, rule_id: ruleId, state: 'told' },
          ...{ first_at: now, told_at: now, is_escalated: 0 },
        }
        rows.set(alertId, row)
        this.#changed.add(row)
      }
    }
    this.#notice(other, contentOf(items, reason, handed))
  }

  #announce(notifier: PlannedNotifier): void {
    const { alerts, now } = this.#situation
    const { routing } = notifier
    const rows = this.#rows(notifier)
    const lastOfRule = new Map<string, number>()
    for (const { rule_id: rule, told_at: at } of rows.values()) {
      if (at !== null) lastOfRule.set(rule, Math.max(at, lastOfRule.get(rule) ?? 0))
    }
    const news: { row: NotifiedRow; item: NoticeAlert; at: number }[] = []
    for (const row of [...rows.values()]) {
      const alert = alerts.get(row.alert_id)
      const isOver = alert?.state === 'cleared'
      if (row.state === 'over') {
        if ((row.told_at ?? 0) + overMs <= now) this.#forget(rows, row)
        continue
      }
      if (!alert || (isOver && (row.state === 'barred' || !routing.tells_cleared))) this.#forget(rows, row)
      else if (row.state === 'told' && !isOver) {
        if (routing.repeat_minutes === 0 || alert.is_acknowledged || alert.is_silenced) continue
        const at = (row.told_at ?? now) + routing.repeat_minutes * 60_000
        news.push({ row, item: itemOf(alert, 'repeated'), at })
      } else if (row.state !== 'barred') {
        const what = isOver ? (row.state === 'told' ? 'cleared' : 'passed') : 'raised'
        const last = lastOfRule.get(row.rule_id)
        const at = last === undefined ? now : last + routing.group_seconds * 1_000
        news.push({ row, item: itemOf(alert, what), at })
      }
    }
    const dueAt = Math.min(...news.map(({ at }) => at))
    const freeAt = Math.max(dueAt, (notifier.noticedAt ?? 0) + apartMs)
    if (freeAt > now) return this.#until(freeAt)
    if (notifier.isFull) this.#until(now + fullMs)
    // Each attempt that ends is followed by another round.
    if (!this.#isFree(notifier)) return
    // Alerts that only wait for others of their rule are included.
    const going = news.filter(({ at, item }) => at <= now || item.what !== 'repeated')
    for (const { row, item } of going) {
      const isOver = item.what === 'cleared' || item.what === 'passed'
      const first_at = row.told_at === null ? now : row.first_at
      this.#set(row, { state: isOver ? 'over' : 'told', told_at: now, first_at })
    }
    this.#notice(
      notifier,
      contentOf(
        going.map(({ item }) => item),
        'alerts',
        undefined,
      ),
    )
  }

  #notice({ id }: PlannedNotifier, content: NoticeContent): void {
    this.#busy.add(id)
    this.plan.notices.push({ notifierId: id, content })
  }

  #isFree({ id, isFull }: PlannedNotifier): boolean {
    return !isFull && !this.#busy.has(id)
  }

  #rows({ id }: PlannedNotifier): Map<string, NotifiedRow> {
    return this.#known.get(id) ?? new Map()
  }

  #set(row: NotifiedRow, values: Partial<NotifiedRow>): void {
    Object.assign(row, values)
    this.#changed.add(row)
  }

  #forget(rows: Map<string, NotifiedRow>, row: NotifiedRow): void {
    rows.delete(row.alert_id)
    this.#changed.delete(row)
    this.plan.forgotten = [...this.plan.forgotten, row]
  }

  #until(at: number): void {
    this.plan.nextAt = Math.min(this.plan.nextAt, at)
  }
}

function matches(routing: NotifierRouting, alert: TellableAlert): boolean {
  const { min_severity: floor, rule_ids: rules, account_ids: accounts, only_escalations: isSecond } = routing
  if (isSecond || alert.state !== 'firing' || alert.is_quiet || alert.is_silenced) return false
  if (rankOf(alert.severity) < rankOf(floor)) return false
  if (rules.length > 0 && !rules.includes(alert.rule_id)) return false
  return accounts.length === 0 || (alert.account_id !== null && accounts.includes(alert.account_id))
}

/** A notice that was handed over once goes no further. */
function isFailed({ attempts, is_refused: isRefused, is_handed_over: isDone, content }: NoticeRow): boolean {
  if (isDone === 1 || (isRefused === 0 && attempts < failedBefore)) return false
  return (JSON.parse(content) as NoticeContent).reason !== 'instead'
}

function itemOf(alert: TellableAlert, what: NoticeAlert['what']): NoticeAlert {
  const { alert_id, rule_id, name, severity, words, account_id, raised_at, cleared_at } = alert
  return { alert_id, rule_id, name, severity, what, words, account_id, raised_at, cleared_at }
}
