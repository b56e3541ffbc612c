/** Converts message data of the mail server to a record of the index. */
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MessageRecord } from '../index/index-types.ts'

export function toRecord({ flags, keywords, ...header }: IndexHeader): MessageRecord {
  const { uid, emailId, messageId, inReplyTo, references, subject, from, to, cc, bcc } = header
  const { fromCount, toCount, date, sizeBytes, hasAttachments, attachmentNames, faults } = header
  return {
    uid,
    emailId,
    messageId,
    inReplyTo,
    references,
    subject,
    from,
    to,
    cc,
    bcc,
    fromCount,
    toCount,
    date,
    flags: [...flags.map(flag => `\\${flag[0]!.toUpperCase()}${flag.slice(1)}`), ...keywords],
    sizeBytes,
    hasAttachments,
    attachmentNames,
    faults,
  }
}
