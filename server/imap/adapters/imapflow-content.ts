/** Reads message content in an open folder with ImapFlow: a message, one attached to it, or pieces of parts. */
import type { FetchMessageObject, ImapFlow } from 'imapflow'
import { TransferDecoder } from '../../reading/transfer-decoder.ts'
import { readBody, type WantedPart } from '../body-content.ts'
import { findPart, type PartNode, readStructure } from '../body-structure.ts'
import { type PartReader, type PartToRead, wholeMessage } from '../gateway-capabilities.ts'
import type { MessageContent } from '../mail-gateway.ts'
import { protectionsOf } from '../message-protection.ts'
import type { KeptFolder } from './imapflow-kept-folder.ts'
import { type ImapPart, toContent, toLine, toParts, toUnreadable } from './imapflow-message.ts'
import { contentQuery, fetchRows } from './imapflow-rows.ts'

interface ContentToRead {
  uid: number
  /** Maximum bytes of each text. */
  maxBytes: number
  /** The part number of an attached message; undefined for the message itself. */
  attached: string | undefined
}

/**
 * Fetches a message; undefined when there is none, or no message in that part of it.
 * @param onRowDropped Called for each unsolicited message row.
 */
export async function getContent(
  client: ImapFlow,
  { uid, maxBytes, attached }: ContentToRead,
  onRowDropped?: () => void,
): Promise<MessageContent | undefined> {
  const [found] = await fetchRows(client, { by: 'uid', numbers: [uid] }, contentQuery, onRowDropped)
  if (!found) return undefined
  const { row, header } = found
  if (!row) return toUnreadable({ uid, internalDate: header.date, size: header.sizeBytes })
  const root = toParts(row.bodyStructure)
  if (attached === undefined) return contentOf(client, row, root, maxBytes)
  const part = findPart(root, attached)
  return part?.message && contentOf(client, attachedRow(row, part), part.message, maxBytes)
}

/** Returns the metadata of parts without reading them. */
async function describeParts(
  client: ImapFlow,
  uid: number,
  partIds: readonly string[],
): Promise<(PartToRead | undefined)[]> {
  const row = await client.fetchOne(String(uid), { uid: true, bodyStructure: true }, { uid: true })
  const root = row && row.uid === uid ? toParts(row.bodyStructure) : undefined
  return partIds.map(partId => {
    const part = findPart(root, partId)
    if (!part) return undefined
    const { name, type, encoding, sizeBytes, section } = part
    return { name, type, encoding, sizeBytes, section }
  })
}

/** Describes the whole message, which as such has no transfer encoding: only parts do. */
async function describeWhole(client: ImapFlow, uid: number): Promise<PartToRead | undefined> {
  const least = { uid: true, size: true }
  const fetch = (query: typeof least & { envelope?: boolean }) => client.fetchOne(String(uid), query, { uid: true })
  // A message with an unparsable envelope can still be saved, without a name. A lost connection fails again below.
  const named = await fetch({ ...least, envelope: true }).catch(() => undefined)
  const row = named || (await fetch(least))
  if (!row || row.uid !== uid) return undefined
  const name = toLine(row.envelope?.subject) || null
  return { name, type: 'message/rfc822', encoding: 'binary', sizeBytes: row.size ?? 0, section: wholeMessage }
}

async function contentOf(
  client: ImapFlow,
  row: FetchMessageObject,
  root: ImapPart | undefined,
  maxBytes: number,
): Promise<MessageContent> {
  const structure = readStructure(root)
  const body = await readBody(structure, maxBytes, wanted => fetchParts(client, row.uid, wanted))
  return { ...toContent(row, body, structure), protections: protectionsOf(root) }
}

/** Its sender may have forged the attached message, so nothing that the server found about the carrier applies. */
function attachedRow({ uid, seq, flags, internalDate }: FetchMessageObject, { node, sizeBytes, message }: ImapPart) {
  return {
    uid,
    seq,
    size: sizeBytes,
    ...(flags && { flags }),
    ...(internalDate && { internalDate }),
    ...(node.envelope && { envelope: node.envelope }),
    ...(message && { bodyStructure: message.node }),
  }
}

/** Maximum encoded bytes per decoded byte (quoted-printable takes three); a part beyond it is unbounded junk. */
const mostEncoded = 4
/** Bytes requested of a part per command, and in total of several parts, by their announced sizes. */
export const chunkSize = 256 * 1024

/** Fetches the texts of a message in pieces: short ones batched, a long one only as far as it is shown. */
async function fetchParts(
  client: ImapFlow,
  uid: number,
  wanted: readonly WantedPart[],
): Promise<Map<PartNode, Buffer>> {
  const readings = wanted.map(each => new Reading(each))
  for (let open = readings; open.length > 0; open = open.filter(reading => !reading.isDone)) {
    const batch = firstOf(open)
    const query = { uid: true, bodyParts: batch.map(({ request }) => request) }
    const row = await client.fetchOne(String(uid), query, { uid: true })
    const parts = row && row.uid === uid ? row.bodyParts : undefined
    for (const reading of batch) reading.take(parts?.get(reading.request.key))
  }
  return new Map(readings.filter(reading => !reading.isJunk).map(reading => [reading.part, reading.bytes]))
}

async function fetchPiece(
  client: ImapFlow,
  uid: number,
  section: string,
  start: number,
  length: number,
): Promise<Buffer | undefined> {
  const key = section.toLowerCase()
  const piece = { start, maxLength: length }
  const wanted = section === wholeMessage ? { source: piece } : { bodyParts: [{ key, ...piece }] }
  const row = await client.fetchOne(String(uid), { uid: true, ...wanted }, { uid: true })
  if (!row || row.uid !== uid) return undefined
  const bytes = (section === wholeMessage ? row.source : row.bodyParts?.get(key)) as Buffer | false | undefined
  // NIL, which ImapFlow maps to `false`: the message was expunged (RFC 2180, section 4.1.2) or lacks the part.
  return bytes === false ? undefined : (bytes ?? Buffer.alloc(0))
}

function firstOf(open: readonly Reading[]): Reading[] {
  let expected = 0
  return open.filter(({ part, start }, index) => {
    const isFree = index === 0 || expected < chunkSize
    if (isFree) expected += Math.min(chunkSize, Math.max(0, part.sizeBytes - start))
    return isFree
  })
}

class Reading {
  readonly part: PartNode
  isDone = false
  isJunk = false
  start = 0
  readonly #maxBytes: number
  readonly #decoder: TransferDecoder
  readonly #pieces: Buffer[] = []
  #length = 0

  constructor({ part, maxBytes }: WantedPart) {
    this.part = part
    this.#maxBytes = maxBytes
    this.#decoder = new TransferDecoder(part.encoding)
  }

  get request(): { key: string; start: number; maxLength: number } {
    return { key: this.part.section.toLowerCase(), start: this.start, maxLength: chunkSize }
  }

  /** One byte above the limit shows that there is more. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces).subarray(0, this.#maxBytes + 1)
  }

  take(piece: Buffer | undefined): void {
    if (piece) this.#add(this.#decoder.push(piece))
    this.start += piece?.length ?? 0
    // A piece longer than requested is the whole part: some servers do not support partial fetches.
    const isLast = piece === undefined || piece.length !== chunkSize
    if (isLast) this.#add(this.#decoder.end())
    this.isJunk = !isLast && this.#length <= this.#maxBytes && this.start > this.#maxBytes * mostEncoded + chunkSize
    this.isDone = isLast || this.isJunk || this.#length > this.#maxBytes
  }

  #add(bytes: Buffer): void {
    if (this.#length > this.#maxBytes) return
    this.#pieces.push(bytes)
    this.#length += bytes.length
  }
}

/** Collaborators shared by the capability objects of one connection. */
export interface CapabilityOptions {
  client: ImapFlow
  folder: KeptFolder
  /** Runs work under the command timeout, and translates its errors. */
  command<T>(work: () => Promise<T>): Promise<T>
}

/** Ignores a refusal, after which the caller fetches again; rethrows when the connection was lost. */
function unlessUsable({ usable }: ImapFlow, error: unknown): undefined {
  if (!usable) throw error
}

/** Reads parts of messages with ImapFlow, one piece per command. */
export class ImapFlowParts implements PartReader {
  readonly #options: CapabilityOptions

  constructor(options: CapabilityOptions) {
    this.#options = options
  }

  describe(path: string, uid: number, partId: string): Promise<{ uidValidity: number; part: PartToRead | undefined }> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      const [part] = await describeParts(client, uid, [partId])
      return { uidValidity, part }
    })
  }

  describeAll(
    path: string,
    uid: number,
    partIds: readonly string[],
  ): Promise<{ uidValidity: number; parts: (PartToRead | undefined)[] }> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      return { uidValidity, parts: await describeParts(client, uid, partIds) }
    })
  }

  describeWhole(path: string, uid: number): Promise<{ uidValidity: number; part: PartToRead | undefined }> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      return { uidValidity, part: await describeWhole(client, uid) }
    })
  }

  read(
    path: string,
    uid: number,
    { section, start, length }: { section: string; start: number; length: number },
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }> {
    const { client, folder, command } = this.#options
    const piece = () => fetchPiece(client, uid, section, start, length)
    return command(async () => {
      // Message content is immutable, so a full-length piece is right whatever became of the folder. A shorter one may
      // be the end of the part or the response for an expunged message: it is fetched again after a NOOP.
      const seen = start > 0 ? folder.whileOpen(path) : undefined
      const bytes = seen && (await piece().catch(error => unlessUsable(client, error)))
      if (seen && bytes?.length === length) return { uidValidity: seen.uidValidity, bytes }
      const { uidValidity } = await folder.open(path)
      return { uidValidity, bytes: await piece() }
    })
  }
}
