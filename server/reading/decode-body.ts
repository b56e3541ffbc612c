/** Decodes the bodies of a message from the bytes of its parts, and combines them (RFC 8621, section 4.1.4). */
import { decodeHtml, decodeText } from './charset.ts'
import { type BodyItem, joinTexts } from './read-text.ts'

export interface EncodedText {
  kind: 'plain' | 'html'
  /** Transfer-decoded bytes. */
  bytes: Uint8Array
  /** The declared charset; null when there is none. */
  charset: string | null
  /** Set for format=flowed (RFC 3676); null for fixed lines. */
  flowed: { deletesSpace: boolean } | null
  /** True when the part is longer, so that the cut may split a character. */
  isCut: boolean
}

/** An item of a body: the index of a text, or a picture. */
export type EncodedItem = number | { kind: 'picture'; id: string }

export interface EncodedBody {
  texts: readonly EncodedText[]
  textBody: readonly EncodedItem[]
  htmlBody: readonly EncodedItem[]
  /** Content-IDs by part id, of the parts that have one. */
  contentIds: ReadonlyMap<string, string>
  calendars: readonly Pick<EncodedText, 'bytes' | 'charset'>[]
}

export interface DecodedBody {
  /** The plain texts of the text body, concatenated. */
  text: string | null
  /** The HTML body as sent, with escaped plain texts in between; null when it consists of plain text only. */
  html: string | null
  /** Items of both bodies; absent for at most one plain text and one HTML. */
  textBody?: BodyItem[]
  htmlBody?: BodyItem[]
  /** Raw invitations and other calendar data (RFC 5545). */
  calendars?: string[]
}

/**
 * Bytes of all texts of a message that are decoded on the main thread, if their charsets are fast: the worst of these
 * take 5 ms. 1 MiB of UTF-7 takes half a second.
 */
const maxAtOnce = 32 * 1024
const quick = /^(?:utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|)$/i

/** True when decoding is fast; anything else belongs on another thread. */
export function isQuick({ texts, calendars }: EncodedBody): boolean {
  const all = [...texts, ...calendars]
  const length = all.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return length <= maxAtOnce && all.every(({ bytes, charset }) => bytes.length === 0 || quick.test(charset ?? ''))
}

export async function decodeBody({ texts, calendars, ...bodies }: EncodedBody): Promise<DecodedBody> {
  const items = await Promise.all(
    texts.map(async (text): Promise<BodyItem> => ({ kind: text.kind, content: await contentOf(text) })),
  )
  const toItem = (item: EncodedItem): BodyItem => (typeof item === 'number' ? items[item]! : item)
  const invitations = await Promise.all(calendars.map(({ bytes, charset }) => decodeText(bytes, charset)))
  return {
    ...bodiesOf(bodies.textBody.map(toItem), bodies.htmlBody.map(toItem), bodies.contentIds),
    ...(invitations.length > 0 && { calendars: invitations }),
  }
}

async function contentOf({ kind, bytes, charset, flowed, isCut }: EncodedText): Promise<string> {
  const isHtml = kind === 'html'
  const whole = isHtml ? await decodeHtml(bytes, charset) : (await decodeText(bytes, charset)).replaceAll('\r\n', '\n')
  const text = isCut ? withoutHalfCharacter(whole) : whole
  return isHtml || !flowed ? text : unflow(text, flowed.deletesSpace)
}

/** Removes replacement characters of a split character at the end. A regular expression would take quadratic time. */
export function withoutHalfCharacter(text: string): string {
  let end = text.length
  while (text[end - 1] === '\ufffd') end--
  return text.slice(0, end)
}

/** Combines the bodies; adds their items when there is more than one text of each kind. */
function bodiesOf(
  textBody: BodyItem[],
  htmlBody: BodyItem[],
  contentIds: ReadonlyMap<string, string>,
): Omit<DecodedBody, 'calendars'> {
  const plain = textBody.flatMap(item => (item.kind === 'plain' ? [item.content] : []))
  const isRich = htmlBody.some(item => item.kind !== 'plain')
  const all = [...textBody, ...htmlBody]
  const isSimple = all.every(item => item.kind !== 'picture') && textBody.length <= 1 && htmlBody.length <= 1
  return {
    text: plain.length === 0 ? null : joinTexts(plain),
    html: isRich ? htmlBody.map(item => htmlOf(item, contentIds)).join('\n') : null,
    ...(!isSimple && { textBody, htmlBody }),
  }
}

function htmlOf(item: BodyItem, contentIds: ReadonlyMap<string, string>): string {
  if (item.kind === 'html') return item.content
  if (item.kind === 'plain') return preformatted(item.content)
  const contentId = contentIds.get(item.id)
  return contentId ? `<img src="cid:${escapeHtml(encodeURIComponent(contentId))}">` : ''
}

/** Wraps plain text between HTML so that it keeps its layout. */
function preformatted(text: string): string {
  return `<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`
}

const [mark, lowest, highest] = [/[&<>"]/, 0x22, 0x3e]
/** Entities by byte. */
const references: readonly (Buffer | undefined)[] = Array.from({ length: highest + 1 }, (_, byte) =>
  new Map([
    [0x22, Buffer.from('&quot;')],
    [0x26, Buffer.from('&amp;')],
    [0x3c, Buffer.from('&lt;')],
    [0x3e, Buffer.from('&gt;')],
  ]).get(byte),
)
const longest = 6

/** Works on bytes: replacing in a string takes several times as long when there are many special characters. */
export function escapeHtml(text: string): string {
  if (!mark.test(text)) return text
  const bytes = Buffer.from(text)
  const out = Buffer.allocUnsafe(bytes.length * longest)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    const reference = byte < lowest || byte > highest ? undefined : references[byte]
    if (reference === undefined) {
      out[length++] = byte
      continue
    }
    for (let index = 0; index < reference.length; index++) out[length++] = reference[index]!
  }
  return out.toString('utf8', 0, length)
}

interface Line {
  /** Quotation depth. */
  depth: number
  words: string
}

/**
 * Joins soft-wrapped lines of a paragraph (RFC 3676, `format=flowed`).
 * @param deletesSpace `delsp=yes`: the blank at the end of a line is not part of the text.
 */
export function unflow(text: string, deletesSpace: boolean): string {
  const out: string[] = []
  let open: { depth: number; lines: string[] } | undefined
  const close = () => {
    if (open) out.push(written(open.depth, open.lines.join('')))
    open = undefined
  }
  for (const source of text.split(/\r?\n/)) {
    const { depth, words } = readLine(source)
    const isSignature = words === '-- '
    // A paragraph continues at the same depth only; a signature never does.
    if (open && (open.depth !== depth || isSignature)) close()
    const goesOn = !isSignature && words.endsWith(' ')
    open ??= { depth, lines: [] }
    open.lines.push(goesOn && deletesSpace ? words.slice(0, -1) : words)
    if (!goesOn) close()
  }
  close()
  return out.join('\n')
}

function readLine(source: string): Line {
  let depth = 0
  while (source[depth] === '>') depth++
  const words = source.slice(depth)
  // Removes the blank of space-stuffing.
  return { depth, words: words.startsWith(' ') ? words.slice(1) : words }
}

function written(depth: number, words: string): string {
  if (depth === 0) return words
  return `${'>'.repeat(depth)} ${words}`.trimEnd()
}
