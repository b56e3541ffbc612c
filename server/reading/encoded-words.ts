/** Decodes encoded words in a header (RFC 2047): `=?utf-8?Q?caf=C3=A9?=`. */
import { decodeText } from './charset.ts'

const word = /=\?([^?\s]{1,60})\?([bq])\?([^?\s]{0,2000})\?=/gi

/** Joins adjacent words of the same charset before decoding, since a character may be split between them. */
export async function decodeWords(value: string): Promise<string> {
  const out: string[] = []
  let open: { charset: string; bytes: Buffer[] } | undefined
  const close = async () => {
    if (open) out.push(await decodeText(Buffer.concat(open.bytes), open.charset))
    open = undefined
  }
  let end = 0
  for (const match of value.matchAll(word)) {
    const [whole, label = '', kind = '', content = ''] = match
    const between = value.slice(end, match.index)
    // A language tag may follow the charset (RFC 2231, section 5).
    const charset = label.replace(/\*.*$/, '').toLowerCase()
    if (open?.charset !== charset || between.trim() !== '') await close()
    // Blanks between two encoded words are dropped.
    if (out.length === 0 || between.trim() !== '' || end === 0) out.push(between)
    open ??= { charset, bytes: [] }
    open.bytes.push(kind.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : unquoted(content))
    end = match.index + whole.length
  }
  await close()
  out.push(value.slice(end))
  return out.join('')
}

function unquoted(content: string): Buffer {
  const letters = content
    .replaceAll('_', ' ')
    .replaceAll(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(letters, 'latin1')
}
