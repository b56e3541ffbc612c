/** Blocks that one thread read last, inflated: who types a search finds much the same messages with each letter, and to inflate their blocks is most of it. */

/** Of all accounts, packed and inflated. */
const maxBytes = 8 * 1024 * 1024

interface Known {
  packed: Uint8Array
  block: Buffer
}

export class BlockCache {
  /** The one used longest ago first. */
  readonly #blocks = new Map<string, Known>()
  #bytes = 0

  /** A block is the same as long as its packed bytes are; who wrote it does not have to tell. */
  inflated(key: string, packed: Uint8Array, inflate: (packed: Uint8Array) => Buffer): Buffer {
    const known = this.#blocks.get(key)
    const isSame = known !== undefined && Buffer.compare(known.packed, packed) === 0
    const kept = isSame ? known : { packed, block: inflate(packed) }
    if (known) this.#remove(key, known)
    this.#blocks.set(key, kept)
    this.#bytes += bytesOf(kept)
    for (const [oldest, block] of this.#blocks) {
      if (this.#bytes <= maxBytes) break
      this.#remove(oldest, block)
    }
    return kept.block
  }

  get bytes(): number {
    return this.#bytes
  }

  #remove(key: string, block: Known): void {
    this.#blocks.delete(key)
    this.#bytes -= bytesOf(block)
  }
}

function bytesOf({ packed, block }: Known): number {
  return packed.length + block.length
}
