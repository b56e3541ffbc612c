/** The props that the parts of the rule form share: the draft, its series, and errors. */
import type { HistorySeries } from '../../contract/history.ts'
import type { RuleDraft, RuleField } from './rule-draft.ts'

export interface RuleFields {
  draft: RuleDraft
  known: HistorySeries
  change(change: Partial<RuleDraft>): void
  faultOf(field: RuleField): string | undefined
}
