/** Converts a message of the index to the form in which a mail server lists it in a folder. */
import type { MessageHeader } from '../imap/mail-gateway.ts'
import type { IndexedMessage, IndexedPlace } from '../index/index-types.ts'

/** Place of a message that left its folder and has not been found in another yet. */
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
