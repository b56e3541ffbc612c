/** Threads that turn out to be one while a batch is looked at: disjoint sets of their numbers. */

export class ThreadSets {
  readonly #parents = new Map<number, number>()
  /** Those that have messages in the tables. */
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

  /** A set with a thread of the tables is called by it. */
  unite(one: number, other: number): void {
    const [first, second] = [this.find(one), this.find(other)]
    if (first === second) return
    if (this.#stored.has(second) && !this.#stored.has(first)) this.#parents.set(first, second)
    else this.#parents.set(second, first)
  }

  /** The same, with one of the tables. */
  uniteStored(one: number, stored: number): void {
    this.#stored.add(stored)
    this.unite(one, stored)
  }

  /** From now on its set is called by this one. */
  rename(thread: number): void {
    const root = this.find(thread)
    if (root === thread) return
    this.#parents.set(root, thread)
    this.#parents.delete(thread)
  }

  /** Those in the tables that are one now. */
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
