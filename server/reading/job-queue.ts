/**
 * Jobs that wait for the text worker. Who asks for many waits for his own: one job of each key is served in turn, so a
 * flood of one caller delays the others by the job that is under way and by one of his.
 */
export interface QueueBounds {
  /** Jobs of all keys together. */
  maxWaiting: number
  /** Jobs of one key. */
  maxWaitingPerKey: number
}

export class JobQueue<Job> {
  readonly #bounds: QueueBounds
  /** The key whose turn it is next is first; no list is empty. */
  readonly #lists = new Map<string, Job[]>()
  #count = 0

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  /** @returns False when there is no room. */
  add(key: string, job: Job): boolean {
    const list = this.#lists.get(key) ?? []
    const { maxWaiting, maxWaitingPerKey } = this.#bounds
    if (this.#count >= maxWaiting || list.length >= maxWaitingPerKey) return false
    list.push(job)
    this.#lists.set(key, list)
    this.#count++
    return true
  }

  /** The next one in turn. */
  take(): Job | undefined {
    const [turn] = this.#lists
    if (!turn) return undefined
    const [key, list] = turn
    const job = list.shift()
    this.#lists.delete(key)
    if (list.length > 0) this.#lists.set(key, list)
    this.#count--
    return job
  }

  /** @returns Whether it still waited. */
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
