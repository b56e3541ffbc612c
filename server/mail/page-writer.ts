/**
 * Serialises pages of a folder to the API's JSON, on the index thread that reads the rows. The output is not validated
 * again.
 */
import type { Flag, MessageSummary } from '../../contract/mail.ts'
import { toSummary } from '../imap/message-bounds.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { addressesOf } from '../index/envelope.ts'
import type { ListedPage, ListedRow, PageWriter } from '../index/index-page.ts'
import { messageIdText, threadIdText } from '../index/message-identity.ts'
import { Signer } from '../platform/secret-box.ts'
import { warningsOf } from './sender-warnings.ts'

const flagNames = ['seen', 'flagged', 'answered', 'draft', 'deleted'] as const satisfies Flag[]

/** @param key Signing key of references. */
export function pageWriter(key: Uint8Array): PageWriter {
  const refs = new MessageRefs(new Signer(Buffer.from(key)))
  return page => Buffer.from(write(page, refs))
}

/** Omits the last brace: the caller appends source and time. */
function write(page: ListedPage, refs: MessageRefs): string {
  const { accountId, path, uidValidity, rows, total, hasMore } = page
  const last = rows.at(-1)
  const next = last && hasMore ? refs.encodeCursor(accountId, path, { uidValidity, beforeUid: last.uid }) : null
  const items = rows.map(row => toItem(page, row, refs))
  return JSON.stringify({ items, next_cursor: next, total }).slice(0, -1)
}

function toItem(page: ListedPage, row: ListedRow, refs: MessageRefs): MessageSummary {
  const { accountId, path: folder, uidValidity, own, previews } = page
  const { uid, envelope } = row
  const from = addressesOf(row.from_json)
  return {
    ref: refs.encode(accountId, { folder, uidValidity, uid }),
    uid_validity: uidValidity,
    ...toSummary({
      uid,
      messageId: envelope.messageId,
      subject: row.subject,
      from,
      fromCount: envelope.fromCount,
      to: envelope.to,
      toCount: envelope.toCount,
      date: new Date(row.date).toISOString(),
      flags: flagNames.filter(flag => row[flag] === 1),
      keywords: row.keywords_json === null ? [] : JSON.parse(row.keywords_json),
      sizeBytes: row.size,
      hasAttachments: row.has_attachments === 1,
      faults: envelope.faults,
    }),
    sender_warnings: warningsOf(from, own),
    ...(previews && { preview: row.preview || null }),
    id: messageIdText(row.id),
    thread_id: threadIdText(row.thread),
  }
}
