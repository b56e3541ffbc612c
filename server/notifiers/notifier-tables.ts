/** The tables of notifiers, as Kysely sees them. Times that are compared are epoch milliseconds. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    notifiers: NotifierRow
    notices: NoticeRow
    notified_alerts: NotifiedRow
    notifier_deliveries: DeliveryRow
  }
}

export interface NotifierRow {
  id: string
  /** `NotifierRouting` as JSON. */
  routing: string
  /** The target with its secrets, as JSON. */
  target_sealed: string
  changed_at: string
  changed_by: string
  /** When the last notice was made for it. */
  noticed_at: number | null
  failing_since: string | null
  last_fault: string | null
  last_success_at: string | null
}

/** A notice that is not delivered yet; at most one per notifier. */
export interface NoticeRow {
  id: string
  notifier_id: string
  /** `NoticeContent` as JSON. */
  content: string
  created_at: number
  attempts: number
  next_try_at: number
  /** 1 if refused until something is changed. */
  is_refused: number
  /** 1 if another notifier announced it instead. */
  is_handed_over: number
}

/**
 * A notifier's knowledge of an alert. `barred`: it may not announce this one, and another notifier does. `over`: kept
 * for the time of grouping.
 */
export interface NotifiedRow {
  notifier_id: string
  alert_id: string
  rule_id: string
  state: 'waiting' | 'told' | 'barred' | 'over'
  first_at: number
  told_at: number | null
  is_escalated: number
}

export interface DeliveryRow {
  /** Monotonic. */
  id: string
  notice_id: string
  notifier_id: string
  at: string
  duration_ms: number
  reason: string
  title: string
  attempt: number
  outcome: string
  status: number | null
  said: string
}
