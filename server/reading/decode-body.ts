/** The bodies of a message as text, from the bytes of its parts: by their character sets, and put together (RFC 8621, section 4.1.4). */
import { decodeHtml, decodeText } from './charset.ts'
import { type BodyItem, joinTexts } from './read-text.ts'

export interface EncodedText {
  kind: 'plain' | 'html'
  /** Their transfer encoding removed. */
  bytes: Uint8Array
  /** As the part says it; null where it does not. */
  charset: string | null
  /** RFC 3676; null where lines are what they are. */
  flowed: { deletesSpace: boolean } | null
  /** The part is longer, and the cut may have gone through a character. */
  isCut: boolean
}

/** What stands in a body: one of the texts, by its index, or a picture. */
export type EncodedItem = number | { kind: 'picture'; id: string }

export interface EncodedBody {
  texts: readonly EncodedText[]
  textBody: readonly EncodedItem[]
  htmlBody: readonly EncodedItem[]
  /** Content-IDs of the parts that have one, by their ids. */
  contentIds: ReadonlyMap<string, string>
  calendars: readonly Pick<EncodedText, 'bytes' | 'charset'>[]
}

export interface DecodedBody {
  /** The plain texts of the text body, one under the other. */
  text: string | null
  /** The HTML body as it was sent, plain texts between it escaped; null where there is nothing but plain text in it. */
  html: string | null
  /** Both bodies, where they are more than one plain text and one HTML beside it. */
  textBody?: BodyItem[]
  htmlBody?: BodyItem[]
  /** Invitations and the like, as they were sent (RFC 5545). */
  calendars?: string[]
}

/**
 * Bytes of a message that the server's own thread decodes, all its texts together, and the character sets that are quick: measured, the
 * worst of those take 5 ms. 1 MiB of UTF-7 takes half a second.
 */
const maxAtOnce = 32 * 1024
const quick = /^(?:utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|)$/i

/** What is not quick to decode belongs on another thread. */
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

/** A text among HTML, as it was written. */
function preformatted(text: string): string {
  return `<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`
}

const [mark, lowest, highest] = [/[&<>"]/, 0x22, 0x3e]
/** By the byte of a mark. */
const references: readonly (Buffer | undefined)[] = Array.from({ length: highest + 1 }, (_, byte) =>
  new Map([
    [0x22, Buffer.from('&quot;')],
    [0x26, Buffer.from('&amp;')],
    [0x3c, Buffer.from('&lt;')],
    [0x3e, Buffer.from('&gt;')],
  ]).get(byte),
)
const longest = 6

/** Byte by byte: where marks are all that there is, to replace each in a string takes several times as long. */
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
  /** Marks of quotation. */
  depth: number
  words: string
}

/**
 * Joins the lines of a paragraph that its writer's program broke (RFC 3676, `format=flowed`).
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
    // A paragraph goes on in the depth in which it stands; a signature never does.
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
  // One blank was put before what might be taken for something else.
  return { depth, words: words.startsWith(' ') ? words.slice(1) : words }
}

function written(depth: number, words: string): string {
  if (depth === 0) return words
  return `${'>'.repeat(depth)} ${words}`.trimEnd()
}
