/**
 * Reads the body parts of a message within a bound. Bodies that decode quickly are decoded right away, whichever mail
 * server they are from.
 */
import { type DecodedBody, decodeBody, type EncodedBody, type EncodedItem, isQuick } from '../reading/decode-body.ts'
import { isMedia, type PartNode, type Structure } from './body-structure.ts'
import type { MessageContent } from './mail-gateway.ts'

/** Fetches parts, transfer-decoded: at most `maxBytes` of each, plus one byte where there are more. */
export type ReadParts = (wanted: readonly WantedPart[]) => Promise<ReadonlyMap<PartNode, Buffer>>

export interface WantedPart {
  part: PartNode
  maxBytes: number
}

type Body = Pick<MessageContent, keyof DecodedBody | 'encoded' | 'isTruncated'>

const maxCalendars = 3
const maxCalendarBytes = 256 * 1024
/** Lower bound of decoded bytes per encoded byte: quoted-printable may take three bytes for one. */
const leastOfEncoded = 1 / 4

/**
 * @param maxBytes Budget of all plain texts together, and of all HTML.
 * @param read Called once, for all parts that are shown.
 */
export async function readBody(structure: Structure, maxBytes: number, read: ReadParts): Promise<Body> {
  const { textBody, htmlBody, attachments } = structure
  const texts = [...new Set([...textBody, ...htmlBody])].filter(part => !isMedia(part))
  const calendars = attachments.filter(isCalendar).slice(0, maxCalendars)
  const wanted = [...withinBudget(texts, maxBytes), ...calendars.map(part => ({ part, maxBytes: maxCalendarBytes }))]
  const bytes = wanted.length > 0 ? await read(wanted) : new Map<PartNode, Buffer>()
  const left = { plain: maxBytes, html: maxBytes }
  let isTruncated = false
  const encodedTexts = texts.map(part => {
    const kind = kindOf(part)
    const whole = bytes.get(part) ?? Buffer.alloc(0)
    const isCut = whole.length > left[kind]
    isTruncated ||= isCut || !bytes.has(part)
    const kept = whole.subarray(0, left[kind])
    left[kind] = Math.max(0, left[kind] - whole.length)
    return { kind, bytes: kept, charset: part.parameters.charset ?? null, flowed: flowedOf(part), isCut }
  })
  const toItems = (parts: readonly PartNode[]): EncodedItem[] =>
    parts.flatMap((part): EncodedItem[] => {
      const index = texts.indexOf(part)
      if (index >= 0) return [index]
      return part.type.startsWith('image/') ? [{ kind: 'picture', id: part.id }] : []
    })
  const invitations = calendars.flatMap(part => {
    const whole = bytes.get(part)
    const isWhole = whole !== undefined && whole.length <= maxCalendarBytes
    return isWhole ? [{ bytes: whole, charset: part.parameters.charset ?? null }] : []
  })
  const encoded: EncodedBody = {
    texts: encodedTexts,
    textBody: toItems(textBody),
    htmlBody: toItems(htmlBody),
    contentIds: new Map(attachments.flatMap(({ id, contentId }) => (contentId === null ? [] : [[id, contentId]]))),
    calendars: invitations,
  }
  if (isQuick(encoded)) return { ...(await decodeBody(encoded)), isTruncated }
  return { text: null, html: null, encoded, isTruncated }
}

function kindOf({ type }: PartNode): 'plain' | 'html' {
  return type === 'text/html' ? 'html' : 'plain'
}

function flowedOf({ parameters }: PartNode): { deletesSpace: boolean } | null {
  const isFlowed = parameters.format?.toLowerCase() === 'flowed'
  return isFlowed ? { deletesSpace: parameters.delsp?.toLowerCase() === 'yes' } : null
}

function withinBudget(texts: readonly PartNode[], maxBytes: number): WantedPart[] {
  const left = { plain: maxBytes, html: maxBytes }
  return texts.flatMap(part => {
    const kind = kindOf(part)
    if (left[kind] <= 0) return []
    const wanted = { part, maxBytes: left[kind] }
    left[kind] -= part.sizeBytes * leastOfEncoded
    return [wanted]
  })
}

function isCalendar({ type }: PartNode): boolean {
  return type === 'text/calendar' || type === 'application/ics'
}
