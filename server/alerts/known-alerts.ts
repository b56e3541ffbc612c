/** Alerts for notifiers: those that fire, and the current state of those already announced. */
import type { AlertSeverity } from '../../contract/alerts.ts'
import type { AlertStore } from './alert-store.ts'
import type { AlertRow, SilenceRow } from './alert-tables.ts'

export interface KnownAlert {
  alert_id: string
  rule_id: string
  name: string
  severity: AlertSeverity
  words: string
  account_id: string | null
  state: AlertRow['state']
  raised_at: string
  cleared_at: string | null
  /** Raised while silenced, or during quiet hours. */
  is_quiet: boolean
  is_silenced: boolean
  is_acknowledged: boolean
}

export function knownAlerts(store: Pick<AlertStore, 'listOpen' | 'listByIds' | 'listSilences'>, now: () => number) {
  const known = async (rows: readonly AlertRow[]) => {
    const silences = await store.listSilences(new Date(now()).toISOString())
    const silenced = new Set(silences.map(keyOf))
    return rows.map(row => toKnown(row, silenced.has(keyOf(row))))
  }
  return {
    firing: async () => known((await store.listOpen()).filter(({ state }) => state === 'firing')),
    find: async (ids: readonly string[]) => known(await store.listByIds(ids)),
  }
}

function toKnown(row: AlertRow, isSilenced: boolean): KnownAlert {
  const { id, rule_id, name, severity, words, account_id, state, raised_at, since, cleared_at } = row
  return {
    ...{ alert_id: id, rule_id, name, words, account_id, state },
    severity: severity as AlertSeverity,
    raised_at: isoOf(raised_at ?? since),
    cleared_at: cleared_at === null ? null : isoOf(cleared_at),
    is_quiet: row.is_quiet === 1,
    is_silenced: isSilenced,
    is_acknowledged: row.acknowledged_at !== null,
  }
}

function keyOf({ rule_id: rule, instance }: Pick<SilenceRow, 'rule_id' | 'instance'>): string {
  return `${rule} ${instance}`
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString()
}
