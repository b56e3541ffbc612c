/**
 * Queue of the text worker, with round-robin between keys, one job each: a flood of one caller delays another by a
 * single job.
 */
export interface QueueBounds {
  /** Maximum number of waiting jobs of all keys. */
  maxWaiting: number
  /** Maximum number of waiting jobs per key. */
  maxWaitingPerKey: number
}

export class JobQueue<Job> {
  readonly #bounds: QueueBounds
  /** Jobs by key in order of turns, the next key first; no list is empty. */
  readonly #lists = new Map<string, Job[]>()
  #count = 0
  /** The key served last, which goes behind the others even if its queue became empty meanwhile. */
  #served: string | undefined

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  /** @returns False when the queue is full. */
  add(key: string, job: Job): boolean {
    const list = this.#lists.get(key) ?? []
    const { maxWaiting, maxWaitingPerKey } = this.#bounds
    if (this.#count >= maxWaiting || list.length >= maxWaitingPerKey) return false
    list.push(job)
    this.#lists.set(key, list)
    this.#count++
    return true
  }

  /** Dequeues the next job in turn, of the keys that may run. */
  take(mayRun: (key: string) => boolean = () => true): { key: string; job: Job } | undefined {
    const turns = [...this.#lists.keys()].filter(mayRun)
    const key = turns.find(turn => turn !== this.#served) ?? turns[0]
    if (key === undefined) return undefined
    const list = this.#lists.get(key)!
    const job = list.shift()!
    this.#lists.delete(key)
    if (list.length > 0) this.#lists.set(key, list)
    this.#served = key
    this.#count--
    return { key, job }
  }

  /** @returns Whether the job was still waiting. */
  remove(key: string, job: Job): boolean {
    const list = this.#lists.get(key)
    const index = list?.indexOf(job) ?? -1
    if (!list || index < 0) return false
    list.splice(index, 1)
    if (list.length === 0) this.#lists.delete(key)
    this.#count--
    return true
  }
}
