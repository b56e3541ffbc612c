/**
 * Fetches the beginning of messages' plain text: all structures in one command, then the first bytes of the text parts,
 * grouped by part number.
 */
import type { ImapFlow, MessageStructureObject } from 'imapflow'
import { decodeText } from '../../reading/charset.ts'
import { withoutHalfCharacter } from '../../reading/decode-body.ts'

/** Part numbers fetched, one command each: `1`, `1.1` and `TEXT` cover almost all mail. */
const mostPlaces = 4
const mostMessages = 50
const maxDepth = 10

interface TextPart {
  uid: number
  encoding: string
  /** The declared charset; null when there is none. */
  charset: string | null
}

/** Maps UIDs to previews; leaves out messages without plain text or with an unusual structure. */
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

/**
 * Returns the first text if it is plain: plain text after HTML is a footer or a continuation (RFC 8621, section 4.1.4).
 */
function textLeafOf(structure: MessageStructureObject): MessageStructureObject | undefined {
  const first = firstText(structure)
  return first && isText(first, 'text/plain') ? first : undefined
}

function firstText(node: MessageStructureObject, depth = 0): MessageStructureObject | undefined {
  const type = node.type?.toLowerCase() ?? ''
  if (!node.childNodes || type === 'message/rfc822' || depth >= maxDepth)
    return isText(node, 'text/plain') || isText(node, 'text/html') ? node : undefined
  const texts = node.childNodes.map(child => firstText(child, depth + 1)).filter(text => text !== undefined)
  // Alternatives of the same text.
  const plain = type === 'multipart/alternative' ? texts.find(text => isText(text, 'text/plain')) : undefined
  return plain ?? texts[0]
}

function isText({ type, disposition }: MessageStructureObject, wanted: string): boolean {
  return type?.toLowerCase() === wanted && disposition?.toLowerCase() !== 'attachment'
}

/** Decodes bytes that may end inside a character or its encoding. */
export async function decode(
  bytes: Buffer,
  { encoding, charset }: Pick<TextPart, 'encoding' | 'charset'>,
): Promise<string> {
  return withoutHalfCharacter(await decodeText(withoutEncoding(bytes, encoding.toLowerCase()), charset))
}

function withoutEncoding(bytes: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(bytes.toString('latin1'), 'base64')
  if (encoding !== 'quoted-printable') return bytes
  // Removes soft line breaks and keeps invalid codes (RFC 2045, section 6.7).
  const text = bytes
    .toString('latin1')
    .replaceAll(/=\r?\n/g, '')
    .replace(/=[0-9A-Fa-f]?$/, '')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(text, 'latin1')
}
