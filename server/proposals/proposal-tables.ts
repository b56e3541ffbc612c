/** The tables of proposals for Kysely, and the types of their JSON columns. */
import type { ProposalItem, ProposalItemKind, ProposalItemState, ProposalState } from '../../contract/proposal.ts'
import type { Principal } from '../platform/principal.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    proposals: ProposalRow
    proposal_items: ProposalItemRow
  }
}

export interface ProposalRow {
  id: string
  account_id: string
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  /** The user whose token proposes. */
  user_id: string | null
  state: ProposalState
  created_at: string
  updated_at: string
  expires_at: string
}

export interface ProposalItemRow {
  proposal_id: string
  id: string
  position: number
  kind: ProposalItemKind
  state: ProposalItemState
  hash: string
  words: string
  /** JSON: ids of the items that must be applied first. */
  needs_first: string
  messages: number
  deletions: number
  /** `ProposalItem['decided']` */
  decided: string | null
  why: string | null
  at: string
}

export type Decided = NonNullable<ProposalItem['decided']>

export function needsOf({ needs_first: needs }: Pick<ProposalItemRow, 'needs_first'>): string[] {
  return JSON.parse(needs) as string[]
}

/** Derives the state of a proposal from its items. */
export function stateOf(items: readonly Pick<ProposalItemRow, 'state'>[]): ProposalState {
  const has = (state: ProposalItemState) => items.some(item => item.state === state)
  if (has('waiting')) return 'open'
  if (items.every(({ state }) => state === 'applied')) return 'applied'
  if (has('applied')) return 'partial'
  return items.every(({ state }) => state === 'expired') ? 'expired' : 'declined'
}
