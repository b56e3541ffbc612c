/** A revision of a draft as an item of a proposal. */
import { createHash } from 'node:crypto'
import type { ProposedItem } from '../platform/proposal-intake.ts'
import type { DraftRow } from './draft-tables.ts'
import { contentOf } from './draft-view.ts'

const namedRecipients = 3

/** The key is unique to this revision, and so covers its attachments too. */
export function draftHash({ id, rev, key, content, source, quote }: DraftRow): string {
  return createHash('sha256')
    .update(JSON.stringify([id, rev, key, content, source, quote]))
    .digest('hex')
}

export function toProposedDraft(row: DraftRow): ProposedItem {
  const { to, cc, bcc, subject } = contentOf(row)
  const people = [...to, ...cc, ...bcc].map(({ email }) => email)
  const named = people.slice(0, namedRecipients).join(', ')
  const more = people.length > namedRecipients ? ` and ${people.length - namedRecipients} more` : ''
  return {
    id: row.id,
    kind: 'draft',
    hash: draftHash(row),
    words: `Save the draft “${subject.slice(0, 200)}”${people.length > 0 ? ` to ${named}${more}` : ''}`,
    needsFirst: [],
    messages: 0,
    deletions: 0,
  }
}
