/**
 * Embeds a message's pictures into its sanitised HTML as `data:` URLs, the only ones that its frame may load; the HTML
 * references them by Content-ID (RFC 2392).
 */

import type { PartInfo } from '../imap/mail-gateway.ts'
import type { CleanHtml, Piece } from '../reading/clean-html.ts'

export interface ReadyHtml {
  style: string
  bodyAttributes: string
  body: string
}

/** Declared picture types, and the type sent to the browser. SVG is excluded: it is a document. */
const pictureTypes: ReadonlyMap<string, string> = new Map([
  ['image/png', 'image/png'],
  ['image/x-png', 'image/png'],
  ['image/apng', 'image/apng'],
  ['image/jpeg', 'image/jpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/jpe', 'image/jpeg'],
  ['image/jfif', 'image/jpeg'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
  ['image/avif', 'image/avif'],
  ['image/bmp', 'image/bmp'],
  ['image/x-bmp', 'image/bmp'],
  ['image/x-ms-bmp', 'image/bmp'],
])

/** Parts read per message, including those that prove too large. Above any of these bounds a picture stays broken. */
const maxParts = 20
const maxPartBytes = 2 * 1024 * 1024
/** Bytes of all pictures, counted at each occurrence, so that a repeated one cannot fill the memory. */
const maxTotalBytes = 6 * 1024 * 1024
/** Maximum encoded bytes per decoded byte (base64 with line ends takes 1.37); larger parts need not be read. */
const maxExpansion = 1.5
/** Replaces a missing picture: browsers show its alternative text and make no request. */
const noPicture = 'data:,'

type ReadPart = (id: string, maxBytes: number) => Promise<Buffer | undefined>

/** True when the HTML references a picture of the message, so that parts must be read. */
export function namesPictures(html: CleanHtml, attachments: readonly PartInfo[]): boolean {
  const parts = picturesById(attachments)
  const isNamed = (piece: Piece) => typeof piece !== 'string' && parts.has(contentIdOf(piece.contentId))
  return parts.size > 0 && Object.values(html).some((pieces: Piece[]) => pieces.some(isNamed))
}

/** @param readPart Returns the bytes of an attachment; undefined when it has none, or more than `maxBytes`. */
export async function embedPictures(
  html: CleanHtml,
  attachments: readonly PartInfo[],
  readPart: ReadPart,
): Promise<ReadyHtml> {
  const pictures = new Pictures(picturesById(attachments), readPart)
  // In sequence, since they share the bounds and a connection.
  const style = await pictures.join(html.style)
  const bodyAttributes = await pictures.join(html.bodyAttributes)
  return { style, bodyAttributes, body: await pictures.join(html.body) }
}

class Pictures {
  readonly #parts: ReadonlyMap<string, PartInfo>
  readonly #readPart: ReadPart
  readonly #read = new Map<PartInfo, { bytes: number; url: string } | undefined>()
  #left = maxTotalBytes

  constructor(parts: ReadonlyMap<string, PartInfo>, readPart: ReadPart) {
    this.#parts = parts
    this.#readPart = readPart
  }

  async join(pieces: readonly Piece[]): Promise<string> {
    const joined: string[] = []
    for (const piece of pieces) joined.push(typeof piece === 'string' ? piece : await this.#urlOf(piece.contentId))
    return joined.join('')
  }

  async #urlOf(name: string): Promise<string> {
    const part = this.#parts.get(contentIdOf(name))
    if (!part) return noPicture
    if (!this.#read.has(part)) {
      const maxBytes = Math.min(maxPartBytes, this.#left)
      if (this.#read.size >= maxParts || part.size_bytes > maxBytes * maxExpansion) return noPicture
      const bytes = await this.#readPart(part.id, maxBytes)
      this.#read.set(
        part,
        bytes && { bytes: bytes.length, url: `data:${pictureTypes.get(part.type)};base64,${bytes.toString('base64')}` },
      )
    }
    const picture = this.#read.get(part)
    if (!picture || picture.bytes > this.#left) return noPicture
    this.#left -= picture.bytes
    return picture.url
  }
}

/** The first of several parts with the same Content-ID wins. */
function picturesById(attachments: readonly PartInfo[]): Map<string, PartInfo> {
  const pictures = new Map<string, PartInfo>()
  for (const part of attachments) {
    const id = part.content_id === null ? '' : withoutBrackets(part.content_id)
    if (id && pictureTypes.has(part.type) && !pictures.has(id)) pictures.set(id, part)
  }
  return pictures
}

/**
 * Decodes what follows `cid:`: percent-encoded UTF-8 without the header's angle brackets (RFC 2392, section 2). An
 * invalid escape is kept.
 */
function contentIdOf(name: string): string {
  const encoded = Buffer.from(name).toString('latin1')
  const bytes = encoded.replaceAll(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return withoutBrackets(Buffer.from(bytes, 'latin1').toString())
}

function withoutBrackets(id: string): string {
  return id.trim().replace(/^<(.*)>$/, '$1')
}
