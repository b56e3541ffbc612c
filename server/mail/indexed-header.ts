/** A message of the index as a mail server would list it, in one of its folders. */
import type { MessageHeader } from '../imap/mail-gateway.ts'
import type { IndexedMessage, IndexedPlace } from '../index/index-types.ts'

/** Between two folders, for as long as one of them is not read again. */
export const nowhere: IndexedPlace = { path: 'INBOX', uidValidity: 0, uid: 0, flags: [] }

const flagNames = new Map([
  ['\\Seen', 'seen'],
  ['\\Flagged', 'flagged'],
  ['\\Answered', 'answered'],
  ['\\Draft', 'draft'],
  ['\\Deleted', 'deleted'],
] as const)

export function toHeader(message: IndexedMessage, { uid, flags }: IndexedPlace): MessageHeader {
  const { messageId, subject, from, fromCount, to, toCount, date, sizeBytes, hasAttachments, faults } = message
  const known = [...flagNames].flatMap(([name, flag]) => (flags.includes(name) ? [flag] : []))
  const keywords = flags.filter(flag => !flag.startsWith('\\'))
  return {
    uid,
    messageId,
    subject,
    from,
    fromCount,
    to,
    toCount,
    date,
    flags: known,
    keywords,
    sizeBytes,
    hasAttachments,
    faults,
  }
}
