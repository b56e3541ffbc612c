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
  /** `NotifierRouting`, JSON. */
  routing: string
  /** JSON of its target, with its secrets. */
  target_sealed: string
  changed_at: string
  changed_by: string
  /** When a notice was made for it last. */
  noticed_at: number | null
  failing_since: string | null
  last_fault: string | null
  last_success_at: string | null
}

/** What is not delivered yet: at most one of each notifier. */
export interface NoticeRow {
  id: string
  notifier_id: string
  /** `NoticeContent`, JSON. */
  content: string
  created_at: number
  attempts: number
  next_try_at: number
  /** 1: it is refused until something is changed. */
  is_refused: number
  /** 1: another notifier was told instead. */
  is_handed_over: number
}

/** What a notifier knows of an alert. `barred`: it may not tell this one, and another notifier is told. `over`: stays for the time of grouping. */
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
  /** Rising. */
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
