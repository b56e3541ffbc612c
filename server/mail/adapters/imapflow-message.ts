/** Maps what ImapFlow read of a message or folder to our words. Strangers wrote it: whatever is missing or broken must not throw. */
import type { FetchMessageObject, ListResponse, MessageAddressObject, MessageStructureObject } from 'imapflow'
import type { Address, Attachment, Flag, Folder, FolderRole } from '../../../contract/mail.ts'
import type { MessageContent, MessageHeader } from '../mail-gateway.ts'

const flags: Record<string, Flag> = {
  '\\seen': 'seen',
  '\\flagged': 'flagged',
  '\\answered': 'answered',
  '\\draft': 'draft',
}

const roles: Record<string, FolderRole> = {
  '\\Inbox': 'inbox',
  '\\Archive': 'archive',
  '\\Drafts': 'drafts',
  '\\Flagged': 'flagged',
  '\\Junk': 'junk',
  '\\Sent': 'sent',
  '\\Trash': 'trash',
  '\\All': 'all',
  '\\Important': 'important',
}

/** ImapFlow has found roles by SPECIAL-USE, else by well-known names in many languages. */
export function toFolder(entry: ListResponse): Folder {
  const lower = new Set([...entry.flags].map(flag => flag.toLowerCase()))
  const selectable = !lower.has('\\noselect') && !lower.has('\\nonexistent')
  return {
    path: entry.path.toWellFormed(),
    name: toLine(entry.name),
    delimiter: entry.delimiter || null,
    role: roles[entry.specialUse ?? ''] ?? null,
    selectable,
    subscribed: Boolean(entry.subscribed),
    total: selectable ? (entry.status?.messages ?? null) : null,
    unread: selectable ? (entry.status?.unseen ?? null) : null,
  }
}

export function toHeader(row: FetchMessageObject): MessageHeader {
  const { envelope = {} } = row
  return {
    uid: row.uid,
    messageId: toLine(envelope.messageId) || null,
    subject: toLine(envelope.subject),
    from: toAddresses(envelope.from),
    to: toAddresses(envelope.to),
    date: toTime(row.internalDate) ?? '1970-01-01T00:00:00.000Z',
    flags: toFlags(row.flags),
    sizeBytes: row.size ?? 0,
    hasAttachments: readStructure(row.bodyStructure).attachments.some(attachment => !attachment.is_inline),
  }
}

export function toContent(
  row: FetchMessageObject,
  body: Pick<MessageContent, 'text' | 'html' | 'isTruncated' | 'attachments'>,
): MessageContent {
  const { envelope = {} } = row
  return {
    ...toHeader(row),
    cc: toAddresses(envelope.cc),
    bcc: toAddresses(envelope.bcc),
    replyTo: toAddresses(envelope.replyTo),
    sender: toAddresses(envelope.sender),
    head: row.source?.toString('utf8').toWellFormed() ?? '',
    sentAt: toTime(envelope.date) ?? null,
    inReplyTo: toLine(envelope.inReplyTo) || null,
    ...body,
  }
}

export interface Structure {
  /** Part to download; `TEXT` where the message is one part. */
  text: string | undefined
  html: string | undefined
  attachments: Attachment[]
}

/** The first plain and the first HTML part are the message; every other leaf is an attachment, so that nothing is lost. */
export function readStructure(root: MessageStructureObject | undefined): Structure {
  const structure: Structure = { text: undefined, html: undefined, attachments: [] }
  if (!root) return structure
  for (const leaf of leavesOf(root)) {
    const part = leaf === root ? 'TEXT' : leaf.part
    const type = leaf.type.toLowerCase()
    const isBody = leaf.disposition?.toLowerCase() !== 'attachment' && !nameOf(leaf)
    if (isBody && type === 'text/plain' && structure.text === undefined) structure.text = part
    else if (isBody && type === 'text/html' && structure.html === undefined) structure.html = part
    else structure.attachments.push(toAttachment(leaf))
  }
  return structure
}

/** Nesting that is followed; deeper parts are not shown. Real mail stays below ten. */
const maxDepth = 50

/** An attached message stays whole. */
function leavesOf(node: MessageStructureObject, depth = 0): MessageStructureObject[] {
  if (!node.childNodes || node.type.toLowerCase() === 'message/rfc822') return [node]
  return depth < maxDepth ? node.childNodes.flatMap(child => leavesOf(child, depth + 1)) : []
}

function toAttachment(leaf: MessageStructureObject): Attachment {
  const disposition = leaf.disposition?.toLowerCase()
  const contentId = toLine(leaf.id).replace(/^<|>$/g, '')
  return {
    id: leaf.part ?? '1',
    name: toLine(nameOf(leaf)) || null,
    type: toLine(leaf.type).toLowerCase(),
    size_bytes: leaf.size ?? 0,
    is_inline: disposition === 'inline' || (contentId !== '' && disposition !== 'attachment'),
    content_id: contentId || null,
  }
}

function nameOf(leaf: MessageStructureObject): string | undefined {
  return leaf.dispositionParameters?.filename ?? leaf.parameters?.name
}

function toAddresses(list: MessageAddressObject[] | undefined): Address[] {
  return (list ?? [])
    .map(({ name, address }) => ({ name: toLine(name) || null, email: toLine(address) }))
    .filter(({ name, email }) => name !== null || email !== '')
}

function toFlags(set: Set<string> | undefined): Flag[] {
  return [...(set ?? [])].map(flag => flags[flag.toLowerCase()]).filter(flag => flag !== undefined)
}

/** Undefined for what is no date, or one that ISO 8601 writes with more than four digits of year. */
function toTime(value: Date | string | undefined): string | undefined {
  const date = new Date(value ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return undefined
  const text = date.toISOString()
  return /^\d{4}-/.test(text) ? text : undefined
}

/** One line of well-formed Unicode without control characters. */
function toLine(value: string | undefined): string {
  return (value ?? '')
    .toString()
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

/**
 * For text that was cut somewhere: the cut may have gone through a character. Not by an expression, which would look for the end
 * of each run anew from each character in it.
 */
export function withoutHalfCharacter(text: string): string {
  let end = text.length
  while (text[end - 1] === '\ufffd') end--
  return text.slice(0, end)
}
