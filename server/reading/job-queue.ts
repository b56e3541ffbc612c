/**
 * Jobs that wait for the text worker. The keys are served in turn, one job each, so a flood of one caller holds up another
 * one by a single job, and itself by all the others.
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
  /** The key that was served last comes behind the others, also when it had no more jobs meanwhile. */
  #served: string | undefined

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

  /** The next one in turn, of the keys that may have one. */
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
