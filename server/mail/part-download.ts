/** Reads one part of a message to its end, piece by piece, as fast as its reader takes it, its transfer encoding removed. */

import type { PartToRead } from '../imap/mail-gateway.ts'
import { TransferDecoder } from '../imap/transfer-decoder.ts'
import { Problem } from '../platform/problem.ts'

export interface PartSource {
  describe(): Promise<PartToRead | undefined>
  /** Undefined when the message is gone. */
  read(section: string, start: number, length: number): Promise<Buffer | undefined>
}

export interface OpenPart {
  name: string | null
  type: string
  /** Must be read to its end, or ended with `return`. */
  bytes: Required<Pick<AsyncIterableIterator<Buffer>, 'next' | 'return' | typeof Symbol.asyncIterator>>
}

/** In memory at a time for each download. */
const pieceBytes = 256 * 1024
const maxOfKey = 8
const maxOfAll = 64
/** A reader that takes nothing for so long has gone, or holds a place that others want. */
const maxPauseMs = 120_000

export class PartDownloads {
  /** By caller. */
  readonly #open = new Map<string, number>()
  #count = 0

  /** @throws Problem when there is no such part, or when too many are being downloaded. */
  async open(key: string, source: PartSource): Promise<OpenPart> {
    const mine = this.#open.get(key) ?? 0
    if (mine >= maxOfKey || this.#count >= maxOfAll) {
      throw new Problem('too_many_requests', 'Too many attachments are being downloaded. Try again in a moment.')
    }
    this.#add(key, 1)
    try {
      const part = await source.describe()
      if (!part) throw new Problem('message_not_found', 'The message is gone, or it has no such part.')
      // The first piece comes before the answer begins, so that what goes wrong can still be said.
      const first = await source.read(part.section, 0, pieceBytes)
      if (!first) throw new Problem('message_not_found', 'The message is gone: moved or deleted on the mail server.')
      const pieces = piecesOf(part, first, source)
      return { name: part.name, type: part.type, bytes: new Download(pieces, () => this.#add(key, -1)) }
    } catch (error) {
      this.#add(key, -1)
      throw error
    }
  }

  #add(key: string, change: number): void {
    this.#count += change
    const mine = (this.#open.get(key) ?? 0) + change
    if (mine > 0) this.#open.set(key, mine)
    else this.#open.delete(key)
  }
}

/** Gives its place back once: at its end, when its reader leaves, also before the first piece, or takes nothing any more. */
class Download {
  readonly #pieces: AsyncGenerator<Buffer, undefined>
  readonly #release: () => void
  #isReleased = false
  #pause: NodeJS.Timeout | undefined

  constructor(pieces: AsyncGenerator<Buffer, undefined>, release: () => void) {
    this.#pieces = pieces
    this.#release = release
    this.#watch()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    clearTimeout(this.#pause)
    if (this.#isReleased) throw new Problem('too_many_requests', 'The attachment was not taken for two minutes.')
    try {
      const result = await this.#pieces.next()
      if (result.done) this.#end()
      else this.#watch()
      return result
    } catch (error) {
      this.#end()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#end()
    return this.#pieces.return(undefined)
  }

  #watch(): void {
    this.#pause = setTimeout(() => this.#end(), maxPauseMs).unref()
  }

  #end(): void {
    clearTimeout(this.#pause)
    if (!this.#isReleased) this.#release()
    this.#isReleased = true
  }
}

async function* piecesOf(part: PartToRead, first: Buffer, source: PartSource): AsyncGenerator<Buffer, undefined> {
  const decoder = new TransferDecoder(part.encoding)
  let piece = first
  for (let start = 0; ; ) {
    const bytes = decoder.push(piece)
    if (bytes.length > 0) yield bytes
    start += piece.length
    // One that is longer than was asked for is the whole part: some servers know no pieces.
    if (piece.length !== pieceBytes) break
    const next = await source.read(part.section, start, pieceBytes)
    if (!next) throw new Problem('message_not_found', 'The message was deleted while it was read.')
    piece = next
  }
  const rest = decoder.end()
  if (rest.length > 0) yield rest
}
