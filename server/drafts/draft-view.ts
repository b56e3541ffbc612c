/** A draft as the contract shows it. */
import type { Draft, DraftAttachment } from '../../contract/draft.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { AnsweredMessage, DraftAttachmentRow, DraftContent, DraftCopyRow, DraftRow } from './draft-tables.ts'

export interface DraftSurroundings {
  /** The account's address. */
  email: string
  attachments: readonly DraftAttachmentRow[]
  saved: Draft['saved']
  warnings: readonly string[]
}

const notSaved: Draft['saved'] = { state: 'none', folder: null, ref: null, why: null }

export function toSaved(copy: DraftCopyRow | undefined, refs: Pick<MessageRefs, 'encode' | 'canName'>): Draft['saved'] {
  if (!copy) return notSaved
  const { state, account_id, path, uid_validity, uid, why, saved_rev } = copy
  const isThere = path !== null && uid_validity !== null && uid !== null && saved_rev !== null && refs.canName(path)
  const place = isThere ? { folder: path, uidValidity: Number(uid_validity), uid: Number(uid) } : undefined
  return { state, folder: saved_rev === null ? null : path, ref: place ? refs.encode(account_id, place) : null, why }
}

export function contentOf({ content }: Pick<DraftRow, 'content'>): DraftContent {
  return JSON.parse(content) as DraftContent
}

export function answeredBy({ source }: Pick<DraftRow, 'source'>): AnsweredMessage | undefined {
  return source === null ? undefined : (JSON.parse(source) as AnsweredMessage)
}

export function toDraft(row: DraftRow, { email, attachments, saved, warnings }: DraftSurroundings): Draft {
  const content = contentOf(row)
  const answered = answeredBy(row)
  const { fromEmail, fromName, to, cc, bcc, subject, body } = content
  return {
    id: row.id,
    account_id: row.account_id,
    rev: row.rev,
    state: row.state,
    submission_id: row.submission_id,
    mode: row.mode,
    message: answered ? { id: answered.id, ref: answered.ref } : null,
    from: { email: fromEmail ?? email, name: fromName },
    reply_to: content.replyTo,
    ...{ to, cc, bcc, subject, body },
    include_quote: content.includeQuote,
    include_signature: content.includeSignature,
    attachments: attachments.map(toAttachment),
    in_reply_to: row.mode === 'forward' ? null : (answered?.messageId ?? null),
    warnings: [...warnings],
    saved,
    proposal_id: row.proposal_id,
    created_by: { kind: kindOf(row.principal_kind), id: row.principal_id, name: row.principal_name },
    changed_by: changerOf(row),
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}

export function toAttachment({ id, name, type, size_bytes, sha256 }: DraftAttachmentRow): DraftAttachment {
  return { id, name, type, size_bytes: Number(size_bytes), sha256 }
}

/** Who wrote a draft: the one who created it, and the last one who changed it. */
export interface DraftWriter {
  kind: Draft['created_by']['kind']
  name: string
  /** The user who is signed in, or whose token it is; undefined if unknown, in drafts of earlier versions. */
  user_id?: string | null | undefined
}

export function writersOf(row: DraftRow): DraftWriter[] {
  const creator = { kind: kindOf(row.principal_kind), name: row.principal_name, user_id: row.user_id }
  return [creator, JSON.parse(row.changed_by) as DraftWriter]
}

function changerOf(row: DraftRow): Draft['changed_by'] {
  const { kind, id, name } = JSON.parse(row.changed_by) as Draft['changed_by']
  return { kind, id, name }
}

/** Anonymous callers do not pass the gate. */
export function kindOf(kind: DraftRow['principal_kind']): Draft['created_by']['kind'] {
  return kind === 'anonymous' ? 'session' : kind
}
