/** Disjoint sets (union-find) of threads that turn out to be one while a batch is processed. */

export class ThreadSets {
  readonly #parents = new Map<number, number>()
  /** Threads that have stored messages. */
  readonly #stored: Set<number>

  constructor(stored: Iterable<number>) {
    this.#stored = new Set(stored)
  }

  find(thread: number): number {
    let root = thread
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next
    for (let each = thread; each !== root; ) {
      const next = this.#parents.get(each)!
      this.#parents.set(each, root)
      each = next
    }
    return root
  }

  /** Unites two threads; a stored one becomes the representative. */
  unite(one: number, other: number): void {
    const [first, second] = [this.find(one), this.find(other)]
    if (first === second) return
    if (this.#stored.has(second) && !this.#stored.has(first)) this.#parents.set(first, second)
    else this.#parents.set(second, first)
  }

  /** Unites a thread with a stored one. */
  uniteStored(one: number, stored: number): void {
    this.#stored.add(stored)
    this.unite(one, stored)
  }

  /** Makes a thread the representative of its set. */
  rename(thread: number): void {
    const root = this.find(thread)
    if (root === thread) return
    this.#parents.set(root, thread)
    this.#parents.delete(thread)
  }

  /** Returns the sets with more than one stored thread, which have to be merged. */
  storedTogether(): number[][] {
    const sets = new Map<number, number[]>()
    for (const thread of this.#stored) {
      const root = this.find(thread)
      const set = sets.get(root)
      if (set) set.push(thread)
      else sets.set(root, [thread])
    }
    return [...sets.values()].filter(({ length }) => length > 1)
  }
}
