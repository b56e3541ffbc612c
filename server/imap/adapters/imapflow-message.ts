/** Maps ImapFlow's messages and folders to our types. Strangers wrote the data: broken fields must not throw. */
import type { FetchMessageObject, ListResponse, MessageAddressObject, MessageStructureObject } from 'imapflow'
import type { Address, Flag, Folder, FolderRole, MessageFault } from '../../../contract/mail.ts'
import type { DecodedBody } from '../../reading/decode-body.ts'
import { oneLine } from '../../reading/stranger-text.ts'
import { type PartNode, readStructure, type Structure, toPartInfo } from '../body-structure.ts'
import type { MessageContent, MessageHeader } from '../mail-gateway.ts'
import { maxHeaderBytes } from './imapflow-limiter.ts'
import { type CutName, type Cuts, cutPartType, cutsOf } from './imapflow-value.ts'

const flags: ReadonlyMap<string, Flag> = new Map([
  ['\\seen', 'seen'],
  ['\\flagged', 'flagged'],
  ['\\answered', 'answered'],
  ['\\draft', 'draft'],
  ['\\deleted', 'deleted'],
])

/** Roles by SPECIAL-USE (RFC 6154). */
export const roles: ReadonlyMap<string, FolderRole> = new Map([
  ['\\Inbox', 'inbox'],
  ['\\Archive', 'archive'],
  ['\\Drafts', 'drafts'],
  ['\\Flagged', 'flagged'],
  ['\\Junk', 'junk'],
  ['\\Sent', 'sent'],
  ['\\Trash', 'trash'],
  ['\\All', 'all'],
  ['\\Important', 'important'],
])

/** ImapFlow has detected roles by SPECIAL-USE, else by well-known names in many languages. */
export function toFolder(entry: ListResponse, namespace: Folder['namespace'] = 'personal'): Folder {
  const lower = new Set([...entry.flags].map(flag => flag.toLowerCase()))
  const selectable = !lower.has('\\noselect') && !lower.has('\\nonexistent')
  const path = wholePath(entry)
  return {
    path,
    name: toLine(entry.name) || path,
    namespace,
    delimiter: entry.delimiter || null,
    role: namespace === 'personal' ? (roles.get(entry.specialUse ?? '') ?? null) : null,
    selectable,
    subscribed: Boolean(entry.subscribed),
    total: selectable ? toWhole(entry.status?.messages) : null,
    unread: selectable ? toWhole(entry.status?.unseen) : null,
  }
}

/** Restores a leading delimiter that ImapFlow strips, without which the folder cannot be opened. */
function wholePath({ path, pathAsListed, delimiter }: ListResponse): string {
  const isCut = Boolean(delimiter) && pathAsListed.startsWith(delimiter) && !path.startsWith(delimiter)
  return `${isCut ? delimiter : ''}${path}`.toWellFormed()
}

export function toHeader(row: FetchMessageObject, structure = structureOf(row)): MessageHeader {
  const { envelope = {} } = row
  const cuts = cutsOf(row)
  const from = toAddresses(envelope.from)
  const to = toAddresses(envelope.to)
  const parts = cuts.get('parts') ?? 0
  return {
    uid: row.uid,
    messageId: toLine(envelope.messageId) || null,
    subject: toLine(envelope.subject),
    from,
    fromCount: countOf(cuts, 'from', from),
    to,
    toCount: countOf(cuts, 'to', to),
    date: toTime(row.internalDate) ?? '1970-01-01T00:00:00.000Z',
    flags: toFlags(row.flags),
    keywords: toKeywords(row.flags),
    sizeBytes: toWhole(row.size) ?? 0,
    hasAttachments: parts > structure.leaves || structure.attachments.some(part => !toPartInfo(part).is_inline),
    faults: faultsOf(row, cuts, structure),
  }
}

export function structureOf(row: Pick<FetchMessageObject, 'bodyStructure'>): Structure {
  return readStructure(toParts(row.bodyStructure))
}

export function toContent(
  row: FetchMessageObject,
  body: Pick<MessageContent, keyof DecodedBody | 'encoded' | 'isTruncated'>,
  structure = structureOf(row),
): MessageContent {
  const { envelope = {} } = row
  const cuts = cutsOf(row)
  const [cc, bcc, replyTo] = [envelope.cc, envelope.bcc, envelope.replyTo].map(toAddresses) as [
    Address[],
    Address[],
    Address[],
  ]
  const attachments = structure.attachments.map(toPartInfo)
  const unseenParts = Math.max(0, (cuts.get('parts') ?? 0) - structure.leaves)
  return {
    ...toHeader(row, structure),
    cc,
    ccCount: countOf(cuts, 'cc', cc),
    bcc,
    bccCount: countOf(cuts, 'bcc', bcc),
    replyTo,
    replyToCount: countOf(cuts, 'reply_to', replyTo),
    sender: toAddresses(envelope.sender),
    head: row.source?.toString('utf8').toWellFormed() ?? '',
    sentAt: toTime(envelope.date) ?? null,
    inReplyTo: toLine(envelope.inReplyTo) || null,
    attachments,
    attachmentCount: attachments.length + unseenParts,
    ...body,
  }
}

/** Returns a placeholder for a message that the server cannot describe, with date and size if known. */
export function toUnreadable({
  uid,
  ...row
}: Pick<FetchMessageObject, 'uid' | 'internalDate' | 'size'>): MessageContent {
  const known = { seq: 0, uid, ...row }
  const structure = readStructure(undefined)
  return { ...toContent(known, { text: null, html: null, isTruncated: false }, structure), faults: ['unreadable'] }
}

export function countOf(cuts: Cuts, name: CutName, list: readonly Address[]): number {
  return Math.max(cuts.get(name) ?? 0, list.length)
}

function faultsOf({ bodyStructure, size = 0 }: FetchMessageObject, cuts: Cuts, structure: Structure): MessageFault[] {
  // In a single-part message, everything but the part is its header.
  const headerBytes = bodyStructure?.childNodes ? 0 : size - (bodyStructure?.size ?? size)
  const faults: MessageFault[] = []
  if (cuts.has('headers') || headerBytes > maxHeaderBytes) faults.push('headers_too_large')
  if (cuts.has('structure')) faults.push('structure_too_large')
  else if (!bodyStructure) faults.push('structure_missing')
  if (structure.isTooDeep) faults.push('structure_too_deep')
  if (structure.isEncrypted) faults.push('encrypted')
  if (structure.isForOutlook) faults.push('packed_for_outlook')
  return faults
}

export function toAddresses(list: MessageAddressObject[] | undefined): Address[] {
  return (list ?? [])
    .map(({ name, address }) => ({ name: toLine(name) || null, email: withoutPlaceholders(toLine(address)) }))
    .filter(({ name, email }) => name !== null || email !== '')
}

export function toFlags(set: Set<string> | undefined): Flag[] {
  return [...new Set([...(set ?? [])].map(flag => flags.get(flag.toLowerCase())))].filter(flag => flag !== undefined)
}

/** Flags other than system flags are keywords (RFC 9051, section 2.3.2): labels of users and their programs. */
export function toKeywords(set: Set<string> | undefined): string[] {
  return [...(set ?? [])].filter(flag => !flag.startsWith('\\')).map(toLine)
}

/** Undefined for an invalid date, or a year that ISO 8601 writes with more than four digits. */
function toTime(value: Date | string | undefined): string | undefined {
  const date = new Date(value ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return undefined
  const text = date.toISOString()
  return /^\d{4}-/.test(text) ? text : undefined
}

/** The limiter passes no deeper structure; one from elsewhere must not exhaust the stack either. */
const maxDepth = 60

/** A part with ImapFlow's node. */
export interface ImapPart extends PartNode {
  children: readonly ImapPart[]
  message?: ImapPart | undefined
  node: MessageStructureObject
}

/** Converts a BODYSTRUCTURE to numbered parts. */
export function toParts(root: MessageStructureObject | undefined): ImapPart | undefined {
  return root && toMessageRoot(root, '', 0)
}

/** @param of The part number of the attached message that contains it; empty for the message itself. */
function toMessageRoot(node: MessageStructureObject, of: string, depth: number): ImapPart {
  if (isMultipart(node)) return toPart(node, of, depth)
  const id = of === '' ? '1' : `${of}.1`
  const part = toPart(node, id, depth)
  // Some servers do not accept the part number of a single-part message.
  return of === '' && !part.message ? { ...part, section: 'TEXT' } : part
}

function toPart(node: MessageStructureObject, id: string, depth: number): ImapPart {
  const isAttachedMessage = node.type.toLowerCase() === 'message/rfc822'
  // Transfer encodings are forbidden here (RFC 2046, section 5.2.1), so a server's structure of it would be wrong.
  const isReadable = isAttachedMessage && !/^(?:base64|quoted-printable)$/i.test(node.encoding ?? '')
  const [inner] = isReadable ? (node.childNodes ?? []) : []
  const parts = isMultipart(node) && depth < maxDepth ? (node.childNodes ?? []) : []
  const children = parts.map((child, index) =>
    toPart(child, id === '' ? `${index + 1}` : `${id}.${index + 1}`, depth + 1),
  )
  const type = toLine(node.type).toLowerCase()
  const parameters = lowered({ ...node.parameters })
  return {
    id,
    section: id,
    type,
    parameters,
    name: toLine(node.dispositionParameters?.filename ?? node.parameters?.name) || null,
    disposition: toLine(node.disposition).toLowerCase() || null,
    contentId: toLine(node.id).replaceAll(/^<|>$/g, '') || null,
    encoding: toLine(node.encoding).toLowerCase(),
    sizeBytes: toWhole(node.size) ?? 0,
    children: children.filter(child => child.type !== cutPartType),
    message: inner && depth < maxDepth ? toMessageRoot(inner, id, depth + 1) : undefined,
    node,
  }
}

function isMultipart(node: MessageStructureObject): boolean {
  return node.childNodes !== undefined && node.type.toLowerCase() !== 'message/rfc822'
}

function lowered(parameters: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(parameters).filter(([name]) => name !== '__proto__')
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), toLine(String(value))]))
}

/**
 * Placeholders in an ENVELOPE for a missing or invalid mailbox or domain, as written by Dovecot, by Courier and other
 * servers based on c-client, and by Cyrus.
 */
const mailboxes = new Set(['MISSING_MAILBOX', 'SYNTAX_ERROR', 'INVALID_ADDRESS', 'UNEXPECTED_DATA_AFTER_ADDRESS'])
const domains = new Set([
  'MISSING_DOMAIN',
  'SYNTAX_ERROR',
  '.SYNTAX-ERROR.',
  '.MISSING-HOST-NAME.',
  '.HOST-NOT-SPECIFIED.',
  'unspecified-domain',
])

/** @returns The part that the sender wrote: undeliverable without a domain, and empty when nothing is left. */
function withoutPlaceholders(email: string): string {
  const at = email.lastIndexOf('@')
  const [local, domain] = at < 0 ? [email, undefined] : [email.slice(0, at), email.slice(at + 1)]
  const isLocal = !mailboxes.has(local)
  if (domain === undefined) return isLocal ? email : ''
  if (domains.has(domain)) return isLocal ? local : ''
  // Beside a real domain only this placeholder comes from servers; the others may be real mailbox names.
  return local === 'MISSING_MAILBOX' ? `@${domain}` : email
}

/** Converts any value that a server sends in place of a text. */
export function toLine(value: string | undefined): string {
  return oneLine(String(value ?? ''))
}

/** Null for anything but a non-negative integer. */
function toWhole(value: number | undefined): number | null {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : null
}
