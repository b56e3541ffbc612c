/** Reads the texts of a message piece by piece: the short ones together, a long one only as far as it is shown. */
import type { ImapFlow } from 'imapflow'
import { TransferDecoder } from '../../reading/transfer-decoder.ts'
import type { WantedPart } from '../body-content.ts'
import type { PartNode } from '../body-structure.ts'

/** Bytes that a transfer encoding takes for each of what it holds, at most; quoted-printable takes three. The rest is junk, and without a bound. */
const mostEncoded = 4
/** Asked of the server of a part at a time, and of several parts together as far as it told how long they are. */
export const chunkSize = 256 * 1024

export async function fetchParts(
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

export async function fetchPiece(
  client: ImapFlow,
  uid: number,
  section: string,
  start: number,
  length: number,
): Promise<Buffer | undefined> {
  const key = section.toLowerCase()
  const query = { uid: true, bodyParts: [{ key, start, maxLength: length }] }
  const row = await client.fetchOne(String(uid), query, { uid: true })
  if (!row || row.uid !== uid) return undefined
  return row.bodyParts?.get(key) ?? Buffer.alloc(0)
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

  /** One byte more than wanted tells that there are more. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces).subarray(0, this.#maxBytes + 1)
  }

  take(piece: Buffer | undefined): void {
    if (piece) this.#add(this.#decoder.push(piece))
    this.start += piece?.length ?? 0
    // One that is longer than was asked for is the whole part: some servers know no pieces.
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
