/** Converts the text parts of a message to one plain text, the source for search, previews and snippets. */
import { decodeHtml, decodeText } from '../reading/charset.ts'
import { unflow, withoutHalfCharacter } from '../reading/decode-body.ts'
import { htmlWords } from '../reading/html-words.ts'
import { TransferDecoder } from '../reading/transfer-decoder.ts'
import type { TextPart, TextRecord } from './index-types.ts'

export interface IndexedText {
  text: string
  /** Whether the text contains a web address or a hyperlink. */
  hasLink: boolean
  /** Whether the text was longer. */
  isTruncated: boolean
}

/** Characters of text per message; the rest is truncated. */
const maxText = 256 * 1024
const webAddress = /\bhttps?:\/\/[^\s<>"]|\bwww\.[\w-]/i

/** Extracts the text in time linear in the length of the parts. */
export async function textOfParts({ parts }: Pick<TextRecord, 'parts'>): Promise<IndexedText> {
  const texts: string[] = []
  let [length, hasLink, isTruncated] = [0, false, false]
  for (const part of parts) {
    if (length >= maxText) {
      isTruncated = true
      break
    }
    const read = await textOf(part, maxText - length)
    hasLink ||= read.hasLink
    isTruncated ||= read.isTruncated
    const text = read.text.trim()
    if (text === '') continue
    texts.push(text)
    length += text.length
  }
  const text = texts.join('\n\n').toWellFormed().replaceAll('\0', '')
  return { text, hasLink, isTruncated }
}

async function textOf(part: TextPart, most: number): Promise<IndexedText> {
  const bytes = decoded(part)
  const type = part.type.toLowerCase()
  if (/^text\/(?:html|x-html)$|^application\/xhtml\+xml$/.test(type)) {
    const { text, hasLink, isCut } = htmlWords(withoutHalfCharacter(await decodeHtml(bytes, part.charset)), most)
    return { text: squeezed(text), hasLink: hasLink || webAddress.test(text), isTruncated: isCut }
  }
  const whole = withoutHalfCharacter(await decodeText(bytes, part.charset)).replaceAll('\r\n', '\n')
  const cut = whole.length > most ? whole.slice(0, most) : whole
  const text = part.isFlowed ? unflow(cut, part.deletesSpace ?? false) : cut
  return { text, hasLink: webAddress.test(text), isTruncated: whole.length > most }
}

function decoded({ bytes, encoding }: TextPart): Uint8Array {
  const decoder = new TransferDecoder(encoding.toLowerCase())
  const begin = decoder.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  const end = decoder.end()
  return end.length === 0 ? begin : Buffer.concat([begin, end])
}

/** Collapses blanks, which are insignificant in markup, and runs of blank lines left by block elements. */
function squeezed(text: string): string {
  return text
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
}
