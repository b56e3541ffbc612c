/** What strangers wrote, on its way to JSON: every text and list of a message or folder gets its bound, whichever server it came from. */
import { announcedSubject } from '../../contract/event.ts'
import {
  type Address,
  type Attachment,
  Flag,
  type Folder,
  type Message,
  type MessageSummary,
  mailBounds,
} from '../../contract/mail.ts'
import { maxProtections } from '../../contract/message-marks.ts'
import { cutText } from '../reading/stranger-text.ts'
import type { MessageContent, MessageHead, MessageHeader, PartInfo } from './mail-gateway.ts'
import { inlineProtectionOf } from './message-protection.ts'

/** What it takes more than the message to say is left to others. */
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

/** In one order, whichever server or index tells them. Half a keyword would be another one. */
export function toMarks({
  flags,
  keywords,
}: Pick<MessageHeader, 'flags' | 'keywords'>): Pick<Head, 'flags' | 'keywords'> {
  const whole = keywords.filter(({ length }) => length <= mailBounds.keyword)
  return {
    flags: Flag.options.filter(flag => flags.includes(flag)),
    keywords: [...new Set(whole)].sort().slice(0, mailBounds.keywords),
  }
}

/** What the event log keeps of a message that arrived. */
export function toAnnounced(head: MessageHead | undefined): { from: Address | null; subject: string | null } {
  if (!head) return { from: null, subject: null }
  const [from = null] = toAddresses(head.from, 1)
  return { from, subject: cutText(head.subject, announcedSubject) }
}

/** @param refOf Names an attached message; null for one that cannot be named. */
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
 * Those that can be asked for; a path that is cut would be that of another folder.
 * @param canName Whether messages of the folder can be named.
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

function toAddresses(list: readonly Address[], most: number): Address[] {
  // An address that is cut ends with `…` and is longer than any that mail could be sent to, so it is not taken for one.
  return list.slice(0, most).map(({ name, email }) => ({
    name: name === null ? null : cutText(name, mailBounds.name),
    email: cutText(email, mailBounds.email),
  }))
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

/** Half an id would be another one. */
function idOf(id: string | null): string | null {
  return id !== null && id.length <= mailBounds.id ? id : null
}

function countOf(list: readonly Address[], count: number): number {
  return Math.max(list.length, count)
}
