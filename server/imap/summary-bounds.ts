/** Bounds what lists contain of a message, every text and list. A separate file, since an index thread writes lists. */
import type { Address, MessageSummary } from '../../contract/mail.ts'
import { flagNames, mailBounds } from '../../contract/text-bounds.ts'
import { cutText } from '../reading/stranger-text.ts'
import type { MessageHeader } from './mail-gateway.ts'

/** Fields that need more than the message are added elsewhere. */
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

/**
 * Returns flags and keywords in a fixed order, whatever the source. A truncated keyword would be another one, so long
 * ones are dropped.
 */
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
  // A truncated address ends with `…` and is longer than any deliverable one, so it cannot be mistaken for one.
  return list.slice(0, most).map(({ name, email }) => ({
    name: name === null ? null : cutText(name, mailBounds.name),
    email: cutText(email, mailBounds.email),
  }))
}

/** Returns null for an id that is too long: a truncated one would be another id. */
export function idOf(id: string | null): string | null {
  return id !== null && id.length <= mailBounds.id ? id : null
}

export function countOf(list: readonly Address[], count: number): number {
  return Math.max(list.length, count)
}
