/**
 * Bounds every text and list that strangers wrote in messages and folders before it becomes JSON, whichever server it
 * came from. Loads no schemas, since threads of the index write lists too.
 */
import type { Address, Attachment, Folder, Message, MessageSummary } from '../../contract/mail.ts'
import { announcedSubject, flagNames, mailBounds, maxProtections } from '../../contract/text-bounds.ts'
import { cutText } from '../reading/stranger-text.ts'
import type { MessageContent, MessageHead, MessageHeader, PartInfo } from './mail-gateway.ts'
import { inlineProtectionOf } from './message-protection.ts'

/** Fields that need more than the message are added elsewhere. */
type Head = Omit<MessageSummary, 'ref' | 'uid_validity' | 'sender_warnings'>
type Body = Omit<
  Message,
  keyof MessageSummary | 'auth' | 'parts_differ' | 'text_from' | 'calendar' | 'attached_to' | 'unsubscribe'
>

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

/** Returns what the event log stores of a new message. */
export function toAnnounced(head: MessageHead | undefined): { from: Address | null; subject: string | null } {
  if (!head) return { from: null, subject: null }
  const [from = null] = toAddresses(head.from, 1)
  return { from, subject: cutText(head.subject, announcedSubject) }
}

/** @param refOf Returns the reference of an attached message; null when it cannot have one. */
export function toMessage(content: MessageContent, refOf: (partId: string) => string | null): Head & Body {
  const all = (list: Address[]) => toAddresses(list, mailBounds.addresses)
  return {
    ...toSummary(content),
    from: all(content.from),
    to: all(content.to),
    cc: all(content.cc),
    cc_count: countOf(content.cc, content.ccCount),
    bcc: all(content.bcc),
    bcc_count: countOf(content.bcc, content.bccCount),
    reply_to: all(content.replyTo),
    reply_to_count: countOf(content.replyTo, content.replyToCount),
    sender: all(content.sender),
    sent_at: content.sentAt,
    in_reply_to: idOf(content.inReplyTo),
    text: content.text,
    html: content.html,
    is_truncated: content.isTruncated,
    protection: [...(content.protections ?? []), ...inlineProtectionOf(content.text)].slice(0, maxProtections),
    attachments: content.attachments.slice(0, mailBounds.attachments).map(part => toAttachment(part, refOf)),
    attachment_count: Math.max(content.attachmentCount, content.attachments.length),
  }
}

/**
 * Returns the folders that can be addressed; a truncated path would be that of another folder.
 * @param canName Whether messages of the folder can be referenced.
 */
export function toFolders(
  folders: readonly Folder[],
  canName: (path: string) => boolean = () => true,
): { items: Folder[]; omitted: number } {
  const items = folders
    .filter(({ path }) => path.length <= mailBounds.path && canName(path))
    .slice(0, mailBounds.folders)
    .map(folder => ({
      ...folder,
      name: cutText(folder.name, mailBounds.path),
      delimiter: folder.delimiter && [...folder.delimiter].length === 1 ? folder.delimiter : null,
    }))
  return { items, omitted: folders.length - items.length }
}

function toAttachment(
  { id, name, type, content_id: contentId, isMessage = false, size_bytes, is_inline }: PartInfo,
  refOf: (partId: string) => string | null,
): Attachment {
  return {
    size_bytes,
    is_inline,
    message_ref: isMessage ? refOf(id) : null,
    id: id.slice(0, mailBounds.name),
    name: name === null ? null : cutText(name, mailBounds.name),
    type: cutText(type, mailBounds.type),
    content_id: idOf(contentId),
  }
}

/**
 * Returns flags and keywords in a fixed order, whatever the source. A truncated keyword would be another one, so long
 * ones are dropped.
 */
function toMarks({ flags, keywords }: Pick<MessageHeader, 'flags' | 'keywords'>): Pick<Head, 'flags' | 'keywords'> {
  const whole = keywords.filter(({ length }) => length <= mailBounds.keyword)
  return {
    flags: flagNames.filter(flag => flags.includes(flag)),
    keywords: [...new Set(whole)].sort().slice(0, mailBounds.keywords),
  }
}

function toAddresses(list: readonly Address[], most: number): Address[] {
  // A truncated address ends with `…` and is longer than any deliverable one, so it cannot be mistaken for one.
  return list.slice(0, most).map(({ name, email }) => ({
    name: name === null ? null : cutText(name, mailBounds.name),
    email: cutText(email, mailBounds.email),
  }))
}

/** Returns null for an id that is too long: a truncated one would be another id. */
function idOf(id: string | null): string | null {
  return id !== null && id.length <= mailBounds.id ? id : null
}

function countOf(list: readonly Address[], count: number): number {
  return Math.max(list.length, count)
}
