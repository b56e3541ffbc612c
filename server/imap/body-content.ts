/** Puts the bodies of a message together from its parts (RFC 8621, section 4.1.4), whichever mail server they come from. */
import { decodeHtml, decodeText } from '../reading/charset.ts'
import { unflow } from '../reading/flowed-text.ts'
import { type BodyItem, joinTexts } from '../reading/read-text.ts'
import { isMedia, type PartNode, type Structure } from './body-structure.ts'
import type { MessageContent, PartInfo } from './mail-gateway.ts'

/** The bytes of parts, their transfer encoding removed; at most so many of each, with one more where there are more. */
export type ReadParts = (wanted: readonly WantedPart[]) => Promise<ReadonlyMap<PartNode, Buffer>>

export interface WantedPart {
  part: PartNode
  maxBytes: number
}

type Body = Pick<MessageContent, 'text' | 'html' | 'isTruncated' | 'textBody' | 'htmlBody' | 'calendars'>

const maxCalendars = 3
const maxCalendarBytes = 256 * 1024
/** Bytes of a transfer encoding for each of what it holds: quoted-printable may take three. */
const leastOfEncoded = 1 / 4

/**
 * @param maxBytes Of all plain texts together, and of all HTML.
 * @param read Is called once, for all that is shown.
 */
export async function readBody(structure: Structure, maxBytes: number, read: ReadParts): Promise<Body> {
  const { textBody, htmlBody, attachments } = structure
  const texts = [...new Set([...textBody, ...htmlBody])].filter(part => !isMedia(part))
  const calendars = attachments.filter(isCalendar).slice(0, maxCalendars)
  const wanted = [...withinBudget(texts, maxBytes), ...calendars.map(part => ({ part, maxBytes: maxCalendarBytes }))]
  const bytes = wanted.length > 0 ? await read(wanted) : new Map<PartNode, Buffer>()
  const items = new Map<PartNode, BodyItem>()
  const left = { plain: maxBytes, html: maxBytes }
  let isTruncated = false
  for (const part of texts) {
    const kind = part.type === 'text/html' ? 'html' : 'plain'
    const whole = bytes.get(part) ?? Buffer.alloc(0)
    isTruncated ||= whole.length > left[kind] || !bytes.has(part)
    const content = await contentOf(part, whole.subarray(0, left[kind]), whole.length > left[kind])
    left[kind] = Math.max(0, left[kind] - whole.length)
    items.set(part, { kind, content })
  }
  const toItems = (parts: readonly PartNode[]): BodyItem[] =>
    parts.flatMap(part => items.get(part) ?? (part.type.startsWith('image/') ? { kind: 'picture', id: part.id } : []))
  const invitations = await Promise.all(
    calendars.flatMap(part => {
      const whole = bytes.get(part)
      return whole && whole.length <= maxCalendarBytes ? decodeText(whole, part.parameters.charset ?? null) : []
    }),
  )
  return {
    ...bodiesOf(toItems(textBody), toItems(htmlBody), attachments),
    isTruncated,
    ...(invitations.length > 0 && { calendars: invitations }),
  }
}

function withinBudget(texts: readonly PartNode[], maxBytes: number): WantedPart[] {
  const left = { plain: maxBytes, html: maxBytes }
  return texts.flatMap(part => {
    const kind = part.type === 'text/html' ? 'html' : 'plain'
    if (left[kind] <= 0) return []
    const wanted = { part, maxBytes: left[kind] }
    left[kind] -= part.sizeBytes * leastOfEncoded
    return [wanted]
  })
}

async function contentOf(part: PartNode, bytes: Buffer, isCut: boolean): Promise<string> {
  const charset = part.parameters.charset ?? null
  const isHtml = part.type === 'text/html'
  const whole = isHtml ? await decodeHtml(bytes, charset) : (await decodeText(bytes, charset)).replaceAll('\r\n', '\n')
  const text = isCut ? withoutHalfCharacter(whole) : whole
  if (isHtml) return text
  const isFlowed = part.parameters.format?.toLowerCase() === 'flowed'
  return isFlowed ? unflow(text, part.parameters.delsp?.toLowerCase() === 'yes') : text
}

/**
 * The cut may have gone through a character. Not by an expression, which would look for the end of each run again from each character in it.
 */
export function withoutHalfCharacter(text: string): string {
  let end = text.length
  while (text[end - 1] === '\ufffd') end--
  return text.slice(0, end)
}

/** The two bodies as they are answered; with the lists of them where two texts are not all. */
function bodiesOf(
  textBody: readonly BodyItem[],
  htmlBody: readonly BodyItem[],
  attachments: readonly PartNode[],
): Pick<MessageContent, 'text' | 'html' | 'textBody' | 'htmlBody'> {
  const plain = textBody.flatMap(item => (item.kind === 'plain' ? [item.content] : []))
  const isRich = htmlBody.some(item => item.kind !== 'plain')
  const all = [...textBody, ...htmlBody]
  const isSimple = all.every(item => item.kind !== 'picture') && textBody.length <= 1 && htmlBody.length <= 1
  const named = new Map(attachments.map(({ id, contentId }) => [id, contentId]))
  return {
    text: plain.length === 0 ? null : joinTexts(plain),
    html: isRich ? htmlBody.map(item => htmlOf(item, named)).join('\n') : null,
    ...(!isSimple && { textBody: [...textBody], htmlBody: [...htmlBody] }),
  }
}

function htmlOf(item: BodyItem, named: ReadonlyMap<string, string | null>): string {
  if (item.kind === 'html') return item.content
  if (item.kind === 'plain') return preformatted(item.content)
  const contentId = named.get(item.id)
  return contentId ? `<img src="cid:${escapeHtml(encodeURIComponent(contentId))}">` : ''
}

/** A text among HTML, as it was written. */
function preformatted(text: string): string {
  return `<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function isCalendar({ type }: PartNode): boolean {
  return type === 'text/calendar' || type === 'application/ics'
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
