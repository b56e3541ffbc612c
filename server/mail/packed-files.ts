/**
 * Unpacks `winmail.dat` (TNEF): its files become attachments of the message, and its body becomes the text of a message
 * without one. Files are not buffered: they are read on demand from their byte range.
 */
import { setImmediate } from 'node:timers/promises'
import { isTnef } from '../imap/body-structure.ts'
import type { MessageContent, PackedPlace, PartInfo } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { decodeText } from '../reading/charset.ts'
import type { DecodedBody, EncodedText } from '../reading/decode-body.ts'
import type { NoOutcome, Requester } from '../reading/job-cache.ts'
import type { PackedText } from '../reading/mapi-properties.ts'
import type { PartsReader } from '../reading/parts-reader.ts'
import { oneLine } from '../reading/stranger-text.ts'
import { type PackedFile, type Tnef, TnefReader } from '../reading/tnef.ts'

/** The content of all packed parts. */
export interface Unpacked {
  files: PackedInfo[]
  body: DecodedBody | null
  isTextCut: boolean
  /** True when everything was understood. */
  isWhole: boolean
}

export type PackedInfo = PartInfo & { within: PackedPlace }

export type TextReader = Pick<PartsReader, 'decode' | 'readRtf'>
/** Reads a whole part of the message. */
export type ReadPart = (partId: string) => Promise<AsyncIterable<Buffer>>

/** Packed parts per message, and their total encoded bytes, since each must be read completely to find its content. */
const [maxParts, maxBytes] = [3, 32 * 1024 * 1024]
/** Bytes parsed per turn of the event loop. */
const turnBytes = 32 * 1024
const types = {
  file: 'application/octet-stream',
  message: 'application/vnd.ms-tnef',
  object: 'application/x-ole-storage',
}

/** Returns the parts to unpack. */
export function packedParts({ attachments }: MessageContent): PartInfo[] {
  let left = maxBytes
  const packed = attachments.filter(isTnef).slice(0, maxParts)
  return packed.filter(({ size_bytes: size }) => {
    left -= size
    return left >= 0
  })
}

/** `2-1` is the first file in part 2. Part numbers contain no hyphen. */
export function isPackedId(id: string): boolean {
  return /^[\d.]+-\d+$/.test(id)
}

/** @returns `busy` when too many downloads are in progress, or the text worker is overloaded: a retry may succeed. */
export async function unpack(
  content: MessageContent,
  read: ReadPart,
  texts: TextReader,
  requester: Requester,
): Promise<Unpacked | NoOutcome> {
  const unpacked: Unpacked = { files: [], body: null, isTextCut: false, isWhole: true }
  const parts = packedParts(content)
  for (const { id } of parts) {
    const tnef = await readTnef(() => read(id))
    if (tnef === undefined) return 'busy'
    for (const file of tnef.files) unpacked.files.push(await toInfo(id, file))
    unpacked.isWhole &&= tnef.isWhole
    if (!hasNoText(content) || unpacked.body) continue
    const body = await bodyOf(tnef, texts, requester)
    if (body === 'busy') return body
    if (typeof body === 'object') unpacked.body = body
    unpacked.isTextCut ||= tnef.isTextCut
    unpacked.isWhole &&= body !== 'gave_up'
  }
  unpacked.isWhole &&= parts.length === content.attachments.filter(isTnef).length
  return unpacked
}

/** Merges the unpacked content into the message. */
export function withUnpacked(content: MessageContent, { files, body, isTextCut, isWhole }: Unpacked): MessageContent {
  return {
    ...content,
    ...(hasNoText(content) && body),
    isTruncated: content.isTruncated || isTextCut,
    faults: isWhole ? content.faults.filter(fault => fault !== 'packed_for_outlook') : content.faults,
    // Placed after the part that contains them.
    attachments: content.attachments.flatMap(part => [part, ...files.filter(each => each.within.carrier === part.id)]),
    attachmentCount: content.attachmentCount + files.length,
  }
}

/** Undefined when this caller has too many downloads in progress. */
async function readTnef(read: () => Promise<AsyncIterable<Buffer>>): Promise<Tnef | undefined> {
  const reader = new TnefReader()
  try {
    for await (const piece of await read()) {
      for (let at = 0; at < piece.length && !reader.isDone; at += turnBytes) {
        reader.push(piece.subarray(at, at + turnBytes))
        // Parsing many tiny attributes takes milliseconds, which would delay others.
        await setImmediate()
      }
      if (reader.isDone) break
    }
    return reader.end()
  } catch (error) {
    if (error instanceof Problem && error.code === 'too_many_requests') return undefined
    throw error
  }
}

/** A text beside the file takes precedence, since everyone else reads that. */
function hasNoText({ text, html }: Pick<MessageContent, 'text' | 'html'>): boolean {
  return html === null && (text ?? '').trim() === ''
}

async function toInfo(carrier: string, { number, offset, length, kind, ...said }: PackedFile): Promise<PackedInfo> {
  const [name, type, contentId] = await Promise.all([said.name, said.type, said.contentId].map(lineOf))
  const isNamedType = kind === 'file' && /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type ?? '')
  return {
    id: `${carrier}-${number}`,
    name: name && kind === 'message' ? `${name}.tnef` : (name ?? null),
    type: isNamedType ? type!.toLowerCase() : types[kind],
    size_bytes: length,
    is_inline: Boolean(contentId),
    content_id: contentId ? contentId.replaceAll(/^<|>$/g, '') : null,
    within: { carrier, offset, length },
  }
}

async function lineOf(text: PackedText | null): Promise<string | null> {
  return text && (oneLine(await decodeText(text.bytes, text.charset)).trim() || null)
}

/** Prefers HTML, then RTF, which mostly encapsulates HTML, then plain text. */
async function bodyOf(
  { html, rtf, text, isTextCut: isCut }: Tnef,
  texts: TextReader,
  requester: Requester,
): Promise<DecodedBody | null | NoOutcome> {
  const decode = (kind: EncodedText['kind'], { bytes, charset }: PackedText) => {
    const flowed = null
    const all = { texts: [{ kind, bytes, charset, flowed, isCut }], textBody: [0], htmlBody: [0] }
    return texts.decode({ ...all, contentIds: new Map(), calendars: [] }, requester)
  }
  if (html && html.bytes.length > 0) return decode('html', html)
  const read = rtf && (await texts.readRtf(rtf, requester))
  if (read === 'busy') return read
  if (read && typeof read === 'object' && read.content !== '') {
    return read.kind === 'html' ? { text: null, html: read.content } : { text: read.content, html: null }
  }
  if (text && text.bytes.length > 0) return decode('plain', text)
  return read === 'gave_up' ? read : null
}
