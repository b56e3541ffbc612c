/** A message of the in-memory server that consists of parts, read like one of a real server but without the network. */
import type { Folder } from '../../../contract/mail.ts'
import { readBody } from '../body-content.ts'
import { findPart, type PartNode, readStructure, toPartInfo } from '../body-structure.ts'
import type { MessageContent } from '../mail-gateway.ts'
import { protectionsOf } from '../message-protection.ts'

export interface MemoryMessage extends MessageContent {
  /** Content of the parts by id. */
  parts: Record<string, Buffer>
  /** The part tree; without one, `text` and `html` are used as they are. */
  structure?: PartNode
  /** The raw message; built from subject and text unless given. */
  raw?: Buffer
  references?: string[]
  emailId?: string | null
  /** Headers of attached messages, by part number. */
  attached?: Record<string, Delivery>
}

export interface MemoryFolder {
  path: string
  role: Folder['role']
  uidValidity: number
  uidNext: number
  messages: MemoryMessage[]
  /** Incremented by each change. */
  modseq: bigint
  /** The modseq of each message's last change, by UID. */
  changedAt: Map<number, bigint>
  isSubscribed: boolean
}

export type Delivery = Partial<Omit<MemoryMessage, 'uid'>>

type Lists = Pick<MessageContent, 'from' | 'to' | 'cc' | 'bcc' | 'replyTo' | 'attachments'>

export function countsOf({ from, to, cc, bcc, replyTo, attachments }: Lists) {
  const [fromCount, toCount, ccCount, bccCount] = [from.length, to.length, cc.length, bcc.length]
  return { fromCount, toCount, ccCount, bccCount, replyToCount: replyTo.length, attachmentCount: attachments.length }
}

export const emptyMessage: Omit<MemoryMessage, 'uid' | 'date' | keyof ReturnType<typeof countsOf>> = {
  messageId: null,
  subject: '',
  from: [],
  to: [],
  cc: [],
  bcc: [],
  replyTo: [],
  sender: [],
  head: '',
  flags: [],
  keywords: [],
  sizeBytes: 0,
  hasAttachments: false,
  faults: [],
  sentAt: null,
  inReplyTo: null,
  text: null,
  html: null,
  isTruncated: false,
  attachments: [],
  parts: {},
}

export async function readMemoryMessage(
  message: MemoryMessage,
  maxBytes: number,
  attached: string | undefined,
): Promise<MessageContent | undefined> {
  const root = attached === undefined ? message.structure : findPart(message.structure, attached)?.message
  if (!root) return undefined
  const structure = readStructure(root)
  const body = await readBody(structure, maxBytes, async wanted => {
    return new Map(
      wanted.map(({ part, maxBytes: most }) => [
        part,
        (message.parts[part.id] ?? Buffer.alloc(0)).subarray(0, most + 1),
      ]),
    )
  })
  const { parts: _parts, structure: _structure, raw: _raw, attached: inside, ...head } = message
  const attachments = structure.attachments.map(toPartInfo)
  const carried = attached === undefined ? head : carriedHead(message, inside?.[attached] ?? {})
  const faults = [
    ...carried.faults,
    ...(structure.isTooDeep ? (['structure_too_deep'] as const) : []),
    ...(structure.isEncrypted ? (['encrypted'] as const) : []),
    ...(structure.isForOutlook ? (['packed_for_outlook'] as const) : []),
  ]
  const protections = protectionsOf(root)
  return { ...carried, ...body, faults, protections, attachments, attachmentCount: attachments.length }
}

/** Keeps the date and flags of the carrying message only. */
function carriedHead({ uid, date, flags, keywords }: MemoryMessage, said: Partial<MessageContent>): MessageContent {
  const { parts: _parts, ...empty } = emptyMessage
  const content = { ...empty, ...said }
  return { ...content, ...countsOf(content), head: '', uid, date, flags, keywords }
}

export function rawOf({ raw, subject, text, html }: MemoryMessage): Buffer {
  return raw ?? Buffer.from(`Subject: ${subject}\r\n\r\n${text ?? html ?? ''}`)
}

/** Finds a part's name and type, in the structure or in the list of attachments. */
export function partOf(message: MemoryMessage, id: string): { name: string | null; type: string } {
  const part = findPart(message.structure, id) ?? message.attachments.find(attachment => attachment.id === id)
  return { name: part?.name ?? null, type: part?.type ?? 'application/octet-stream' }
}
