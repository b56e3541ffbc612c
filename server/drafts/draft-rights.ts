/** Who may see and change a draft: programs those that they wrote, users all of the accounts that they may see. */
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { DraftRow } from './draft-tables.ts'

export function maySeeDraft(principal: Principal, draft: Pick<DraftRow, 'account_id' | 'principal_id'>): boolean {
  if (!maySeeAccount(principal, draft.account_id)) return false
  return principal.kind === 'session' || draft.principal_id === principal.id
}

/** By which a list is narrowed to what the principal may see. */
export function writerSeenBy({ kind, id }: Principal): string | undefined {
  return kind === 'session' ? undefined : id
}

export function noDraft(): Problem {
  return new Problem('draft_not_found', 'There is no such draft.')
}

export function draftChanged(rev: number): Problem {
  return new Problem('draft_changed', `The draft has revision ${rev} by now; read it and try again.`)
}

export function draftSubmitted(): Problem {
  const detail = 'The draft was handed over to be sent; it can be changed again when that is cancelled.'
  return new Problem('draft_submitted', detail)
}

/** What uses the blobs of a draft. */
export function ownerOf(draftId: string): string {
  return `draft:${draftId}`
}
