/** What the parts of the form of a rule share: the draft, its series, and what is wrong where. */
import type { HistorySeries } from '../../contract/history.ts'
import type { RuleDraft, RuleField } from './rule-draft.ts'

export interface RuleFields {
  draft: RuleDraft
  known: HistorySeries
  change(change: Partial<RuleDraft>): void
  faultOf(field: RuleField): string | undefined
}
