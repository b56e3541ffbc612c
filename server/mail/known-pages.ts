/**
 * Pages of the index as they left last. Whether one is still right, the thread of the index says each time; then its bytes need not come from there
 * again, nor be put together again.
 */

interface KnownPage {
  tag: string
  /** Without what is true at one time only. */
  json: Uint8Array
  asOf: number
  /** The answer. */
  bytes: Buffer
}

/** Of all of them; the one used longest ago is evicted. */
const maxBytes = 8 * 1024 * 1024

export class KnownPages {
  readonly #pages = new Map<string, KnownPage>()
  #bytes = 0

  /** @param key Begins with the account: `["<id>",`. */
  find(key: string): KnownPage | undefined {
    return this.#pages.get(key)
  }

  /** @returns The page as it is answered. Its bytes are shared: nothing writes into them. */
  put(key: string, { json, tag }: { json: Uint8Array; tag: string | undefined }, asOf: number): Buffer {
    const before = this.#pages.get(key)
    this.#drop(key)
    if (before && before.tag === tag && before.asOf === asOf) {
      this.#keep(key, before)
      return before.bytes
    }
    const end = `,"source":"index","as_of":"${new Date(asOf).toISOString()}"}`
    const bytes = Buffer.concat([json, Buffer.from(end)])
    if (tag !== undefined) this.#keep(key, { tag, json: bytes.subarray(0, json.length), asOf, bytes })
    return bytes
  }

  forget(accountId: string): void {
    const begin = JSON.stringify([accountId]).slice(0, -1)
    for (const key of this.#pages.keys()) if (key.startsWith(`${begin},`)) this.#drop(key)
  }

  #keep(key: string, page: KnownPage): void {
    this.#pages.set(key, page)
    this.#bytes += page.bytes.length
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= maxBytes) return
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#pages.get(key)?.bytes.length ?? 0
    this.#pages.delete(key)
  }
}
