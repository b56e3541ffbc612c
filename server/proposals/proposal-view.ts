/** Proposals and their items as callers see them. */
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { Proposal, ProposalDetail, ProposalItem } from '../../contract/proposal.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'
import type { Content, ItemKinds } from './item-kinds.ts'
import { applyRefusal, declineRefusal } from './proposal-rights.ts'
import { type Decided, needsOf, type ProposalItemRow, type ProposalRow } from './proposal-tables.ts'

export function toProposal(row: ProposalRow, items: readonly ProposalItemRow[]): Proposal {
  const waiting = items.filter(({ state }) => state === 'waiting')
  const applied = items.filter(({ state }) => state === 'applied').length
  const sum = (of: readonly ProposalItemRow[], what: 'messages' | 'deletions') =>
    of.reduce((total, item) => total + Number(item[what]), 0)
  const kind = row.principal_kind === 'api_key' ? 'api_key' : 'token'
  return {
    id: row.id,
    account_id: row.account_id,
    state: row.state,
    proposes: { kind, id: row.principal_id, name: row.principal_name },
    words: wordsOf(waiting.length > 0 ? waiting : items),
    counts: {
      items: items.length,
      waiting: waiting.length,
      applied,
      declined: items.length - waiting.length - applied,
      messages: sum(waiting, 'messages'),
      sends: waiting.filter(item => item.kind === 'message').length,
      deletions: sum(waiting, 'deletions'),
    },
    created_at: row.created_at,
    updated_at: row.updated_at,
    expires_at: waiting.length > 0 ? row.expires_at : null,
  }
}

const mostLines = 20

/** Returns one line per distinct change, with its count. */
function wordsOf(items: readonly ProposalItemRow[]): string[] {
  const lines = [...Map.groupBy(items, ({ words }) => words)].map(([words, { length }]) =>
    length === 1 ? words : `${words} (${length} times)`,
  )
  if (lines.length <= mostLines) return lines
  return [...lines.slice(0, mostLines), `and ${lines.length - mostLines} more`]
}

export interface Sight {
  principal: Principal
  proposal: ProposalRow
  settings: Pick<ApprovalSettings, 'own_tokens'>
  kinds: ItemKinds
  isFrozen: boolean
}

export async function toDetail(
  sight: Sight,
  items: readonly ProposalItemRow[],
): Promise<Omit<ProposalDetail, 'activity'>> {
  const { kinds, principal, proposal } = sight
  const known = await kinds.look(items)
  const contents = await kinds.contents(principal, proposal, items, known)
  const shown = items.map(item => toItem(sight, item, known.get(item.id)!.scope, contents.get(item.id)!))
  return { ...toProposal(proposal, items), items: shown }
}

function toItem(
  { principal, proposal, settings, isFrozen }: Sight,
  row: ProposalItemRow,
  scope: Scope,
  content: Content,
): ProposalItem {
  const isWaiting = row.state === 'waiting'
  const refusal = applyRefusal(principal, proposal, scope, settings)
  const isOwn = principal.kind !== 'session' && principal.id === proposal.principal_id
  const mayApply = isWaiting && !refusal && !isFrozen
  const cannot = isFrozen ? 'A human stopped what this caller, or this account, does.' : refusal?.message
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    hash: row.hash,
    at: row.at,
    words: row.words,
    ...content,
    needs_first: needsOf(row),
    decided: row.decided === null ? null : (JSON.parse(row.decided) as Decided),
    why: isWaiting && !mayApply ? (cannot ?? null) : row.why,
    can: [
      ...(mayApply ? (['apply'] as const) : []),
      ...(isWaiting && !declineRefusal(principal, proposal, scope) ? (['decline'] as const) : []),
      ...(isWaiting && isOwn ? (['withdraw'] as const) : []),
    ],
  }
}
