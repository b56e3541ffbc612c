/** Puts the pictures that a message carries into its HTML, where that names them by Content-ID (RFC 2392): the frame may load nothing but `data:`. */
import type { Attachment } from '../../contract/mail.ts'

/** SVG too: in a picture no script of it runs, and the frame's policy lets it be nothing else. */
const pictureTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/svg+xml'])

/** Parts that are read for one message, with those that prove too long. Past it, as past the other bounds, a picture stays broken. */
const maxParts = 20
const maxPartBytes = 2 * 1024 * 1024
/** Of all pictures, each counted wherever it is shown: else one that is named again and again would fill the memory. */
const maxTotalBytes = 6 * 1024 * 1024
/** Base64 with its line ends takes 1.37 of what it holds: what is longer than this need not be read to know. */
const maxExpansion = 1.5

/**
 * A comment, which is passed over (Outlook repeats its pictures there), or `cid:` where a picture can stand: in an
 * attribute that loads one, or in CSS. Links keep theirs. Every repetition is bounded or cannot fail, so a stranger's
 * HTML takes time in proportion to its length.
 */
const reference =
  /<!--(?:-?>|[\s\S]*?(?:--!?>|$))|(?<before>(?:[\s"'/](?:src|background|poster)\s{0,8}=|url\()\s{0,8}(?:["']|&quot;|&#39;)?\s{0,8})cid:(?<id>[^\s"'<>()]*)/gi

/**
 * @param readPart Gives the bytes of an attachment, or undefined when there are more than `maxBytes` or none.
 */
export async function embedPictures(
  html: string,
  attachments: readonly Attachment[],
  readPart: (id: string, maxBytes: number) => Promise<Buffer | undefined>,
): Promise<string> {
  const parts = picturesById(attachments)
  if (parts.size === 0) return html
  const read = new Map<Attachment, { bytes: number; url: string } | undefined>()
  const pieces: string[] = []
  let end = 0
  let left = maxTotalBytes
  for (const { 0: whole, index, groups } of html.matchAll(reference)) {
    const { before, id = '' } = groups ?? {}
    if (before === undefined) continue
    // What ends a quotation inside an attribute is written as an entity, and so is `&` itself.
    const [name = ''] = id.split(/&(?:quot|#39);/i, 1)
    const part = parts.get(contentIdOf(name))
    if (!part) continue
    if (!read.has(part)) {
      const maxBytes = Math.min(maxPartBytes, left)
      if (read.size >= maxParts || part.size_bytes > maxBytes * maxExpansion) continue
      const bytes = await readPart(part.id, maxBytes)
      read.set(part, bytes && { bytes: bytes.length, url: `data:${part.type};base64,${bytes.toString('base64')}` })
    }
    const picture = read.get(part)
    if (!picture || picture.bytes > left) continue
    left -= picture.bytes
    pieces.push(html.slice(end, index), before, picture.url, id.slice(name.length))
    end = index + whole.length
  }
  return pieces.join('') + html.slice(end)
}

/** Of two parts with one Content-ID the first counts. */
function picturesById(attachments: readonly Attachment[]): Map<string, Attachment> {
  const pictures = new Map<string, Attachment>()
  for (const part of attachments) {
    const id = part.content_id === null ? '' : withoutBrackets(part.content_id)
    if (id && pictureTypes.has(part.type) && !pictures.has(id)) pictures.set(id, part)
  }
  return pictures
}

/**
 * What follows `cid:` is percent-encoded UTF-8, without the angle brackets of the header (RFC 2392, section 2). A percent
 * sign that encodes nothing means itself.
 */
function contentIdOf(name: string): string {
  const encoded = Buffer.from(name.replaceAll(/&amp;/gi, '&')).toString('latin1')
  const bytes = encoded.replaceAll(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return withoutBrackets(Buffer.from(bytes, 'latin1').toString())
}

function withoutBrackets(id: string): string {
  return id.trim().replace(/^<(.*)>$/, '$1')
}
