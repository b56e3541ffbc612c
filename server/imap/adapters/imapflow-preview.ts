/** How the plain text of messages begins: their structures with one command, then the first bytes of the text parts, those of one place together. */
import type { ImapFlow, MessageStructureObject } from 'imapflow'
import { decodeText } from '../../reading/charset.ts'
import { withoutHalfCharacter } from '../../reading/decode-body.ts'

/** Places of text parts that are asked for, each with a command: `1`, `1.1` and `TEXT` are those of nearly all mail. */
const mostPlaces = 4
const mostMessages = 50
const maxDepth = 10

interface TextPart {
  uid: number
  encoding: string
  /** As the part says it; null where it does not. */
  charset: string | null
}

/** By UID; of what has no plain text part, or is a kind of message that few are, nothing. */
export async function fetchPreviews(
  client: ImapFlow,
  uids: readonly number[],
  maxBytes: number,
): Promise<Map<number, string>> {
  const wanted = new Set(uids.slice(0, mostMessages))
  const texts = new Map<number, string>()
  if (wanted.size === 0) return texts
  const rows = await client.fetchAll([...wanted].join(), { uid: true, bodyStructure: true }, { uid: true })
  const places = new Map<string, TextPart[]>()
  for (const { uid, bodyStructure } of rows) {
    const leaf = bodyStructure && wanted.has(uid) ? textLeafOf(bodyStructure) : undefined
    if (!leaf) continue
    const place = leaf === bodyStructure ? 'TEXT' : (leaf.part ?? 'TEXT')
    const part = { uid, encoding: leaf.encoding ?? '', charset: leaf.parameters?.charset ?? null }
    places.set(place, [...(places.get(place) ?? []), part])
  }
  const common = [...places].toSorted(([, a], [, b]) => b.length - a.length).slice(0, mostPlaces)
  for (const [place, parts] of common) {
    const query = { uid: true, bodyParts: [{ key: place, start: 0, maxLength: maxBytes }] }
    const answers = await client.fetchAll(parts.map(({ uid }) => uid).join(), query, { uid: true })
    const byUid = new Map(answers.map(({ uid, bodyParts }) => [uid, bodyParts?.get(place.toLowerCase())]))
    for (const part of parts) {
      const bytes = byUid.get(part.uid)
      if (bytes) texts.set(part.uid, await decode(bytes.subarray(0, maxBytes), part))
    }
  }
  return texts
}

/** The first text of the message, if it is plain: what comes behind HTML is a footer, or the end of it (RFC 8621, section 4.1.4). */
function textLeafOf(structure: MessageStructureObject): MessageStructureObject | undefined {
  const first = firstText(structure)
  return first && isText(first, 'text/plain') ? first : undefined
}

function firstText(node: MessageStructureObject, depth = 0): MessageStructureObject | undefined {
  const type = node.type?.toLowerCase() ?? ''
  if (!node.childNodes || type === 'message/rfc822' || depth >= maxDepth)
    return isText(node, 'text/plain') || isText(node, 'text/html') ? node : undefined
  const texts = node.childNodes.map(child => firstText(child, depth + 1)).filter(text => text !== undefined)
  // The same text in several forms.
  const plain = type === 'multipart/alternative' ? texts.find(text => isText(text, 'text/plain')) : undefined
  return plain ?? texts[0]
}

function isText({ type, disposition }: MessageStructureObject, wanted: string): boolean {
  return type?.toLowerCase() === wanted && disposition?.toLowerCase() !== 'attachment'
}

/** The bytes may end anywhere, in the middle of a character or of its encoding. */
export async function decode(
  bytes: Buffer,
  { encoding, charset }: Pick<TextPart, 'encoding' | 'charset'>,
): Promise<string> {
  return withoutHalfCharacter(await decodeText(withoutEncoding(bytes, encoding.toLowerCase()), charset))
}

function withoutEncoding(bytes: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(bytes.toString('latin1'), 'base64')
  if (encoding !== 'quoted-printable') return bytes
  // RFC 2045, section 6.7: soft line breaks go, and what is no code stays as it is.
  const text = bytes
    .toString('latin1')
    .replaceAll(/=\r?\n/g, '')
    .replace(/=[0-9A-Fa-f]?$/, '')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(text, 'latin1')
}
