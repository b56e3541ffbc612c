/** Puts the pictures that a message carries into its clean HTML, which names them by Content-ID (RFC 2392): the frame may load nothing but `data:`. */

import type { PartInfo } from '../imap/mail-gateway.ts'
import type { CleanHtml, Piece } from '../reading/clean-html.ts'

export interface ReadyHtml {
  style: string
  bodyAttributes: string
  body: string
}

/** What a picture may be called, and what it is called to the browser. No SVG under any name: it is a document. */
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

/** Parts that are read for one message, with those that prove too long. Past it, as past the other bounds, a picture stays broken. */
const maxParts = 20
const maxPartBytes = 2 * 1024 * 1024
/** Of all pictures, each counted wherever it is shown: else one that is named again and again would fill the memory. */
const maxTotalBytes = 6 * 1024 * 1024
/** Base64 with its line ends takes 1.37 of what it holds: what is longer than this need not be read to know. */
const maxExpansion = 1.5
/** In place of a picture that is not there: a browser shows its alternative text, and asks nobody. */
const noPicture = 'data:,'

type ReadPart = (id: string, maxBytes: number) => Promise<Buffer | undefined>

/** Whether any picture of the message is named, so that there is something to read. */
export function namesPictures(html: CleanHtml, attachments: readonly PartInfo[]): boolean {
  const parts = picturesById(attachments)
  const isNamed = (piece: Piece) => typeof piece !== 'string' && parts.has(contentIdOf(piece.contentId))
  return parts.size > 0 && Object.values(html).some((pieces: Piece[]) => pieces.some(isNamed))
}

/** @param readPart Gives the bytes of an attachment, or undefined when there are more than `maxBytes` or none. */
export async function embedPictures(
  html: CleanHtml,
  attachments: readonly PartInfo[],
  readPart: ReadPart,
): Promise<ReadyHtml> {
  const pictures = new Pictures(picturesById(attachments), readPart)
  // One after the other: they share the bounds, and one connection.
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

/** Of two parts with one Content-ID the first counts. */
function picturesById(attachments: readonly PartInfo[]): Map<string, PartInfo> {
  const pictures = new Map<string, PartInfo>()
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
  const encoded = Buffer.from(name).toString('latin1')
  const bytes = encoded.replaceAll(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return withoutBrackets(Buffer.from(bytes, 'latin1').toString())
}

function withoutBrackets(id: string): string {
  return id.trim().replace(/^<(.*)>$/, '$1')
}
