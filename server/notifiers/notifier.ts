/** PORT: hands one notice to people by one way, once, and says what came of it. */
import type { AlertSeverity } from '../../contract/alerts.ts'
import type { NotifierKind } from '../../contract/notifiers.ts'
import type { TargetOf } from './notifier-target.ts'

/** In plain words: what each way makes its own message of. Nothing in it has control or hidden characters. */
export interface NoticeMessage {
  /** The same at each attempt. */
  id: string
  title: string
  /** One for each alert, and what else there is to say. */
  lines: readonly string[]
  /** The worst of what fires. */
  severity: AlertSeverity
  /** Nothing of what it tells of fires any more. */
  isOver: boolean
  isTest: boolean
  /** Of the page of alerts. */
  link: string
  /** When the notice was made. */
  at: Date
  alerts: readonly NoticeAlert[]
  /** Alerts that it does not name. */
  others: number
}

/** What programs are told. */
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

/** `said`: what came back, in words and without secrets. `retry` may work later as it is; `refused` once something is changed. */
export type NoticeOutcome = { said: string; status: number | null } & (
  | { kind: 'sent' | 'refused' }
  | { kind: 'retry'; afterMs?: number | undefined }
)

export interface Notifier<Kind extends NotifierKind = NotifierKind> {
  readonly kind: Kind
  /** @throws Problem for settings that cannot work. */
  check(target: TargetOf<Kind>): Promise<void> | void
  /** Never tries twice; throws only for faults of ours. Ends within its bound, or with the signal. */
  send(target: TargetOf<Kind>, message: NoticeMessage, signal: AbortSignal): Promise<NoticeOutcome>
}
