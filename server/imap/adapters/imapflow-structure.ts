/** Maps a BODYSTRUCTURE as ImapFlow read it to parts with numbers. Strangers wrote it: whatever is missing or broken must not throw. */
import type { MessageStructureObject } from 'imapflow'
import type { PartNode } from '../body-structure.ts'
import { cutPartType } from './imapflow-cuts.ts'
import { toLine, toWhole } from './imapflow-line.ts'

/** The limiter lets no more through; a structure from elsewhere does not end the process either. */
const maxDepth = 60

/** With what ImapFlow knows of it. */
export interface ImapPart extends PartNode {
  children: readonly ImapPart[]
  message?: ImapPart | undefined
  node: MessageStructureObject
}

export function toParts(root: MessageStructureObject | undefined): ImapPart | undefined {
  return root && toMessageRoot(root, '', 0)
}

/** @param of The number of the attached message that it is in; empty in a message itself. */
function toMessageRoot(node: MessageStructureObject, of: string, depth: number): ImapPart {
  if (isMultipart(node)) return toPart(node, of, depth)
  const id = of === '' ? '1' : `${of}.1`
  const part = toPart(node, id, depth)
  // A part number is none where there is but one part, for some servers.
  return of === '' && !part.message ? { ...part, section: 'TEXT' } : part
}

function toPart(node: MessageStructureObject, id: string, depth: number): ImapPart {
  const isAttachedMessage = node.type.toLowerCase() === 'message/rfc822'
  // What a server makes of one in a transfer encoding, which none may have (RFC 2046, section 5.2.1), is no structure of it.
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

/** The part with this number, also in attached messages; undefined where there is none. */
export function findPart(root: ImapPart | undefined, id: string): ImapPart | undefined {
  const waiting = root ? [root] : []
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    if (part.id === id && !part.type.startsWith('multipart/')) return part
    waiting.push(...part.children, ...(part.message ? [part.message] : []))
  }
  return undefined
}
