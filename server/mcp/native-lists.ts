/**
 * Caches lists of an offer as JSON, item by item: most callers are offered the same tools, and list them again and
 * again.
 */
export class ListTexts {
  readonly #texts = new WeakMap<object, string>()

  /** @param items Data that is never modified. */
  of(items: readonly object[]): string {
    const known = this.#texts.get(items)
    if (known !== undefined) return known
    const text = `[${items.map(item => this.#one(item)).join(',')}]`
    this.#texts.set(items, text)
    return text
  }

  #one(item: object): string {
    const known = this.#texts.get(item)
    if (known !== undefined) return known
    const text = JSON.stringify(item)
    this.#texts.set(item, text)
    return text
  }
}
