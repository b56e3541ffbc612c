/** The tables of alerts, as Kysely sees them. Times on which states depend are in epoch seconds. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    alert_rules: AlertRuleRow
    alerts: AlertRow
    alert_silences: SilenceRow
  }
}

export interface AlertRuleRow {
  id: string
  /** `AlertRuleBody` as JSON. */
  rule: string
  is_starter: number
  is_deleted: number
  changed_at: string
  /** The name of the user; null for a rule as shipped with RustyMail. */
  changed_by: string | null
}

export interface AlertRow {
  /** Monotonic. */
  id: string
  rule_id: string
  /** The labels of the alert, as JSON. */
  instance: string
  series: string
  account_id: string | null
  name: string
  severity: string
  words: string
  state: 'pending' | 'firing' | 'cleared'
  value: number | null
  since: number
  raised_at: number | null
  good_since: number | null
  no_data_since: number | null
  cleared_at: number | null
  is_quiet: number
  acknowledged_at: string | null
  acknowledged_by: string | null
}

export interface SilenceRow {
  rule_id: string
  instance: string
  until: string
  silenced_by: string
}
