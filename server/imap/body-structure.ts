/** Sorts the parts of a message into text, HTML and attachments, by the algorithm of RFC 8621, section 4.1.4. */
import type { PartInfo } from './mail-gateway.ts'

/** A part of a message, independent of the mail server's format. Strangers wrote all of it. */
export interface PartNode {
  /** Part number (RFC 9051, section 6.4.5); meaningless for a multipart. */
  id: string
  /** The section to request from a mail server. */
  section: string
  /** Lower-case media type. */
  type: string
  /** Parameter values by lower-case name. */
  parameters: Readonly<Record<string, string>>
  name: string | null
  disposition: string | null
  contentId: string | null
  /** Transfer encoding, in lower case. */
  encoding: string
  sizeBytes: number
  children: readonly PartNode[]
  /** The structure of an attached message. */
  message?: PartNode | undefined
}

export interface Structure {
  /** Parts in reading order; a picture stands at the place where it is to be displayed. */
  textBody: PartNode[]
  htmlBody: PartNode[]
  /** All other leaves, so that nothing is lost, and pictures of the bodies too. An attached message stays whole. */
  attachments: PartNode[]
  /** Number of parts that were visited. */
  leaves: number
  /** True when some parts were nested too deep to be visited. */
  isTooDeep: boolean
  isEncrypted: boolean
  /** True when attachments are packed in Outlook's own format (TNEF). */
  isForOutlook: boolean
}

/** Depth of nesting that is followed; deeper parts are ignored. Real mail stays below ten. */
const maxDepth = 50
/** Parts per body; further texts become attachments. */
const maxBodyParts = 50
const encryptedTypes = /^(?:multipart\/encrypted|application\/(?:x-)?pkcs7-mime)$/

/** The body lists of the algorithm; null where the other kind of text says the same. */
interface Lists {
  text: PartNode[] | null
  html: PartNode[] | null
}

type Tree<Part> = Pick<PartNode, 'id' | 'type'> & { children: readonly Part[]; message?: Part | undefined }

/** Finds the part with this number, also within attached messages; undefined when there is none. */
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
  // A picture in the text can also be opened separately.
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
  // A single kind serves as both bodies.
  if (text.length === textLength) text.push(...html.slice(htmlLength))
  else if (html.length === htmlLength) html.push(...text.slice(textLength))
}

/** True for a TNEF part, under its own type or as `winmail.dat` of an unspecific type (MS-OXTNEF). */
export function isTnef({ type, name }: Pick<PartNode, 'type' | 'name'>): boolean {
  if (type === 'application/ms-tnef' || type === 'application/vnd.ms-tnef') return true
  return type === 'application/octet-stream' && /^winmail\.dat$/i.test(name ?? '')
}

function isOfBody(part: PartNode, index: number, kind: string): boolean {
  if (part.disposition === 'attachment') return false
  const isPicture = isMedia(part)
  if (part.type !== 'text/plain' && part.type !== 'text/html' && !isPicture) return false
  // Related parts are referenced by the text that they belong to. A text with a name is a file, unless it comes first.
  return index === 0 || (kind !== 'related' && (isPicture || !part.name))
}

export function isMedia({ type }: PartNode): boolean {
  return /^(?:image|audio|video)\//.test(type)
}

/** Puts the part that `start` names first (RFC 2387, section 3.2). */
function withRootFirst({ children, parameters }: PartNode): readonly PartNode[] {
  const start = parameters.start?.trim().replace(/^<(.*)>$/, '$1')
  const root = start ? children.find(({ contentId }) => contentId === start) : undefined
  return root ? [root, ...children.filter(child => child !== root)] : children
}

/** Removes parts above `maxBodyParts` from the bodies, and returns those that become attachments. */
function beyond(...bodies: PartNode[][]): Set<PartNode> {
  const cut = bodies.flatMap(body => body.splice(maxBodyParts))
  const kept = new Set(bodies.flat())
  return new Set(cut.filter(part => !kept.has(part) && !isMedia(part)))
}

/** Compares part numbers by their order in the message. */
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
