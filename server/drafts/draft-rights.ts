/** Who may see and change a draft: programs those that they wrote, users all drafts of their accounts. */
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { DraftRow } from './draft-tables.ts'

export function maySeeDraft(principal: Principal, draft: Pick<DraftRow, 'account_id' | 'principal_id'>): boolean {
  if (!maySeeAccount(principal, draft.account_id)) return false
  return principal.kind === 'session' || draft.principal_id === principal.id
}

/** Returns the writer to whom a list is narrowed; undefined for all writers. */
export function writerSeenBy({ kind, id }: Principal): string | undefined {
  return kind === 'session' ? undefined : id
}

export function noDraft(): Problem {
  return new Problem('draft_not_found', 'There is no such draft.')
}

export function draftChanged(rev: number): Problem {
  return new Problem('draft_changed', `The draft is at revision ${rev}; read it and try again.`)
}

export function draftSubmitted(): Problem {
  const detail = 'The draft was submitted for sending; cancel the submission to change it again.'
  return new Problem('draft_submitted', detail)
}

/** Names the draft as a user of its blobs. */
export function ownerOf(draftId: string): string {
  return `draft:${draftId}`
}
