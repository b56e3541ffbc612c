/** What lists say of a message, every text and list with its bound. It stands alone, since a thread of the index writes lists. */
import type { Address, MessageSummary } from '../../contract/mail.ts'
import { flagNames, mailBounds } from '../../contract/text-bounds.ts'
import { cutText } from '../reading/stranger-text.ts'
import type { MessageHeader } from './mail-gateway.ts'

/** What it takes more than the message to say is left to others. */
export type Head = Omit<MessageSummary, 'ref' | 'uid_validity' | 'sender_warnings'>

export function toSummary(header: MessageHeader): Head {
  return {
    uid: header.uid,
    message_id: idOf(header.messageId),
    subject: cutText(header.subject, mailBounds.subject),
    from: toAddresses(header.from, mailBounds.listed),
    from_count: countOf(header.from, header.fromCount),
    to: toAddresses(header.to, mailBounds.listed),
    to_count: countOf(header.to, header.toCount),
    date: header.date,
    ...toMarks(header),
    size_bytes: header.sizeBytes,
    has_attachments: header.hasAttachments,
    faults: header.faults,
  }
}

/** In one order, whichever server or index tells them. Half a keyword would be another one. */
export function toMarks({
  flags,
  keywords,
}: Pick<MessageHeader, 'flags' | 'keywords'>): Pick<Head, 'flags' | 'keywords'> {
  const whole = keywords.filter(({ length }) => length <= mailBounds.keyword)
  return {
    flags: flagNames.filter(flag => flags.includes(flag)),
    keywords: [...new Set(whole)].sort().slice(0, mailBounds.keywords),
  }
}

export function toAddresses(list: readonly Address[], most: number): Address[] {
  // An address that is cut ends with `…` and is longer than any that mail could be sent to, so it is not taken for one.
  return list.slice(0, most).map(({ name, email }) => ({
    name: name === null ? null : cutText(name, mailBounds.name),
    email: cutText(email, mailBounds.email),
  }))
}

/** Half an id would be another one. */
export function idOf(id: string | null): string | null {
  return id !== null && id.length <= mailBounds.id ? id : null
}

export function countOf(list: readonly Address[], count: number): number {
  return Math.max(list.length, count)
}
