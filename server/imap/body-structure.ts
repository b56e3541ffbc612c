/** Which parts of a message are its text, which are its HTML, and which hang on it: RFC 8621, section 4.1.4. */
import type { PartInfo } from './mail-gateway.ts'

/** One part of a message, in no mail server's words. Strangers wrote all of it. */
export interface PartNode {
  /** Part number (RFC 9051, section 6.4.5); that of a multipart is of no use. */
  id: string
  /** What to ask a mail server for. */
  section: string
  /** In small letters. */
  type: string
  /** By names in small letters. */
  parameters: Readonly<Record<string, string>>
  name: string | null
  disposition: string | null
  contentId: string | null
  /** Transfer encoding, in small letters. */
  encoding: string
  sizeBytes: number
  children: readonly PartNode[]
  /** Of an attached message: what it is made of. */
  message?: PartNode | undefined
}

export interface Structure {
  /** In the order in which they are read; a picture stands where it is to be seen. */
  textBody: PartNode[]
  htmlBody: PartNode[]
  /** Every other leaf, so that nothing is lost, and the pictures of the bodies too. An attached message stays whole. */
  attachments: PartNode[]
  /** Parts that were looked at. */
  leaves: number
  /** Some parts were not looked at. */
  isTooDeep: boolean
  isEncrypted: boolean
  /** Attachments are in a file of Outlook's own (TNEF). */
  isForOutlook: boolean
}

/** Nesting that is followed. Real mail stays below ten. */
const maxDepth = 50
/** Of each list; further texts are attachments. */
const maxBodyParts = 50
const encryptedTypes = /^(?:multipart\/encrypted|application\/(?:x-)?pkcs7-mime)$/

/** The lists of the algorithm; null where the text of the other kind says the same. */
interface Lists {
  text: PartNode[] | null
  html: PartNode[] | null
}

type Tree<Part> = Pick<PartNode, 'id' | 'type'> & { children: readonly Part[]; message?: Part | undefined }

/** The part with this number, also in attached messages; undefined where there is none. */
export function findPart<Part extends Tree<Part>>(root: Part | undefined, id: string): Part | undefined {
  const waiting = root ? [root] : []
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    if (part.id === id && !part.type.startsWith('multipart/')) return part
    waiting.push(...part.children, ...(part.message ? [part.message] : []))
  }
  return undefined
}

export function readStructure(root: PartNode | undefined): Structure {
  const structure: Structure = {
    textBody: [],
    htmlBody: [],
    attachments: [],
    leaves: 0,
    isTooDeep: false,
    isEncrypted: false,
    isForOutlook: false,
  }
  if (!root) return structure
  const { textBody, htmlBody, attachments } = structure
  readParts([root], 'mixed', false, { text: textBody, html: htmlBody }, structure, 0)
  // A picture in the text can be opened by itself as well.
  const listed = new Set(attachments)
  const pictures = [...textBody, ...htmlBody].filter(part => isMedia(part) && !listed.has(part))
  attachments.push(...new Set(pictures), ...beyond(textBody, htmlBody))
  attachments.sort((one, other) => compareIds(one.id, other.id))
  return structure
}

function readParts(
  parts: readonly PartNode[],
  kind: string,
  isInAlternative: boolean,
  { text, html }: Lists,
  structure: Structure,
  depth: number,
): void {
  const [textLength, htmlLength] = [text?.length ?? -1, html?.length ?? -1]
  const lists: Lists = { text, html }
  for (const [index, part] of parts.entries()) {
    if (encryptedTypes.test(part.type)) structure.isEncrypted ||= part.parameters['smime-type'] !== 'certs-only'
    if (part.type.startsWith('multipart/')) {
      if (depth >= maxDepth) structure.isTooDeep = true
      else {
        const inner = part.type.slice('multipart/'.length)
        const children = inner === 'related' ? withRootFirst(part) : part.children
        readParts(children, inner, isInAlternative || inner === 'alternative', lists, structure, depth + 1)
      }
      continue
    }
    structure.leaves++
    structure.isForOutlook ||= isTnef(part)
    if (!isOfBody(part, index, kind)) structure.attachments.push(part)
    else if (kind === 'alternative') {
      const list = part.type === 'text/plain' ? lists.text : part.type === 'text/html' ? lists.html : null
      ;(list ?? structure.attachments).push(part)
    } else {
      if (isInAlternative && part.type === 'text/plain') lists.html = null
      if (isInAlternative && part.type === 'text/html') lists.text = null
      lists.text?.push(part)
      lists.html?.push(part)
      if (!lists.text && !lists.html) structure.attachments.push(part)
    }
  }
  if (kind !== 'alternative' || !text || !html) return
  // One kind alone stands for both.
  if (text.length === textLength) text.push(...html.slice(htmlLength))
  else if (html.length === htmlLength) html.push(...text.slice(textLength))
}

/** Under its own type, or under none (MS-OXTNEF). */
export function isTnef({ type, name }: Pick<PartNode, 'type' | 'name'>): boolean {
  if (type === 'application/ms-tnef' || type === 'application/vnd.ms-tnef') return true
  return type === 'application/octet-stream' && /^winmail\.dat$/i.test(name ?? '')
}

function isOfBody(part: PartNode, index: number, kind: string): boolean {
  if (part.disposition === 'attachment') return false
  const isPicture = isMedia(part)
  if (part.type !== 'text/plain' && part.type !== 'text/html' && !isPicture) return false
  // Beside the text that they belong to, related parts are named by it. A text with a name is a file, unless it comes first.
  return index === 0 || (kind !== 'related' && (isPicture || !part.name))
}

export function isMedia({ type }: PartNode): boolean {
  return /^(?:image|audio|video)\//.test(type)
}

/** The one that `start` names comes first (RFC 2387, section 3.2). */
function withRootFirst({ children, parameters }: PartNode): readonly PartNode[] {
  const start = parameters.start?.trim().replace(/^<(.*)>$/, '$1')
  const root = start ? children.find(({ contentId }) => contentId === start) : undefined
  return root ? [root, ...children.filter(child => child !== root)] : children
}

/** What is too much for a body is taken out of it. */
function beyond(...bodies: PartNode[][]): Set<PartNode> {
  const cut = bodies.flatMap(body => body.splice(maxBodyParts))
  const kept = new Set(bodies.flat())
  return new Set(cut.filter(part => !kept.has(part) && !isMedia(part)))
}

/** In the order in which they stand in the message. */
function compareIds(one: string, other: string): number {
  const [left, right] = [one, other].map(id => id.split('.').map(Number)) as [number[], number[]]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export function toPartInfo(part: PartNode): PartInfo {
  return {
    id: part.id,
    name: part.name,
    type: part.type,
    size_bytes: part.sizeBytes,
    is_inline: part.disposition === 'inline' || (part.contentId !== null && part.disposition !== 'attachment'),
    content_id: part.contentId,
    ...(part.message && { isMessage: true }),
  }
}
