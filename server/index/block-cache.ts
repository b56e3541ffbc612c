/**
 * LRU cache of inflated blocks in one thread: search-as-you-type hits the same messages per keystroke, and inflating is
 * most of the cost.
 */

/** Size limit for all accounts, packed plus inflated; past it, the least recently used blocks are evicted. */
const maxBytes = 8 * 1024 * 1024

interface Known {
  packed: Uint8Array
  block: Buffer
}

export class BlockCache {
  /** Least recently used first. */
  readonly #blocks = new Map<string, Known>()
  #bytes = 0

  /**
   * Returns the inflated block; an entry is valid while its packed bytes are equal, so writers need not invalidate it.
   */
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
