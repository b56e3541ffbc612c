/** A rule as it is stored. */
import { isDeepStrictEqual } from 'node:util'
import { AlertRule, AlertRuleBody } from '../../contract/alerts.ts'
import type { AlertRuleRow } from './alert-tables.ts'
import { ruleWords } from './alert-words.ts'
import { isSeries } from './rule-check.ts'
import { starterRules } from './starter-rules.ts'

/** The name may be older than the current constraints on names. */
const StoredRule = AlertRuleBody.extend({ name: AlertRule.shape.name })

export interface KnownRule {
  id: string
  body: AlertRuleBody
}

/**
 * Parses a rule; one of a later version, or of a series that no longer exists, is replaced by one that is switched off.
 */
export function readRule({ id, rule }: Pick<AlertRuleRow, 'id' | 'rule'>): KnownRule {
  const read = StoredRule.safeParse(JSON.parse(rule))
  if (read.success && isSeries(read.data.series)) return { id, body: read.data }
  const off = { name: `Unreadable rule ${id}`, enabled: false, series: 'up' }
  const rest = { aggregation: 'min', window_seconds: 60, comparison: 'below', threshold: 0 }
  return { id, body: AlertRuleBody.parse({ ...off, ...rest }) }
}

export function viewOf(row: AlertRuleRow): AlertRule {
  const { body } = readRule(row)
  const { id, is_starter: isStarter, changed_at, changed_by } = row
  const { enabled: _, ...starter } = starterRules.find(known => known.id === id)?.rule ?? body
  const is_changed = isStarter === 1 && !isDeepStrictEqual({ ...starter, enabled: body.enabled }, body)
  return { ...body, id, is_starter: isStarter === 1, is_changed, words: ruleWords(body), changed_at, changed_by }
}
