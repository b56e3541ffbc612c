/** PORT: delivers one notice to people by one channel, once, and reports the outcome. */
import type { AlertSeverity } from '../../contract/alerts.ts'
import type { NotifierKind } from '../../contract/notifiers.ts'
import type { TargetOf } from './notifier-target.ts'

/** A notice in plain words, from which each channel builds its message. Contains no control or hidden characters. */
export interface NoticeMessage {
  /** The same at each attempt. */
  id: string
  title: string
  /** One line per alert, and further remarks. */
  lines: readonly string[]
  /** The severity of the worst firing alert. */
  severity: AlertSeverity
  /** True if none of its alerts fires any more. */
  isOver: boolean
  isTest: boolean
  /** The URL of the page of alerts. */
  link: string
  /** When the notice was made. */
  at: Date
  alerts: readonly NoticeAlert[]
  /** The number of alerts that are not named. */
  others: number
}

/** An alert in the form that programs receive. */
export interface NoticeAlert {
  alert_id: string
  rule_id: string
  name: string
  severity: AlertSeverity
  what: 'raised' | 'repeated' | 'cleared' | 'passed'
  words: string
  account_id: string | null
  raised_at: string
  cleared_at: string | null
}

/**
 * The outcome of an attempt; `said` is the response in words, without secrets. `retry` may succeed later unchanged,
 * `refused` only after something is changed.
 */
export type NoticeOutcome = { said: string; status: number | null } & (
  | { kind: 'sent' | 'refused' }
  | { kind: 'retry'; afterMs?: number | undefined }
)

export interface Notifier<Kind extends NotifierKind = NotifierKind> {
  readonly kind: Kind
  /** @throws Problem for settings that cannot work. */
  check(target: TargetOf<Kind>): Promise<void> | void
  /** Makes one attempt; throws only for bugs. Ends within its timeout, or with the signal. */
  send(target: TargetOf<Kind>, message: NoticeMessage, signal: AbortSignal): Promise<NoticeOutcome>
}
