/**
 * Bounds every text and list that strangers wrote in messages and folders before it becomes JSON, whichever server it
 * came from.
 */
import { announcedSubject } from '../../contract/event.ts'
import {
  type Address,
  type Attachment,
  type Folder,
  type Message,
  type MessageSummary,
  mailBounds,
} from '../../contract/mail.ts'
import { maxProtections } from '../../contract/message-marks.ts'
import { cutText } from '../reading/stranger-text.ts'
import type { MessageContent, MessageHead, PartInfo } from './mail-gateway.ts'
import { inlineProtectionOf } from './message-protection.ts'
import { countOf, type Head, idOf, toAddresses, toSummary } from './summary-bounds.ts'

type Body = Omit<
  Message,
  keyof MessageSummary | 'auth' | 'parts_differ' | 'text_from' | 'calendar' | 'attached_to' | 'unsubscribe'
>

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
