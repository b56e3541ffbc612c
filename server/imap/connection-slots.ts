/** The server-wide cap on IMAP connections: grants slots in the order of rank, then of arrival. */
import { Problem } from '../platform/problem.ts'

/** Watching connections come first, then commands by priority. */
export type Rank = 'watching' | 'watch' | 'interactive' | 'background'
const ranks: readonly Rank[] = ['watching', 'watch', 'interactive', 'background']

/** The right to hold one connection. Releasing it twice is a no-op. */
export interface Slot {
  release(): void
}

interface Request {
  rank: Rank
  sequence: number
  grant(slot: Slot): void
}

export interface ConnectionSlotsOptions {
  max: number
  /** Closes an idle connection; returns false when there is none. */
  evict(): boolean
}

export class ConnectionSlots {
  readonly #evict: () => boolean
  /** At most one for each connection that an account pool wants to open; the pools bound those. */
  #requests: Request[] = []
  #max: number
  #used = 0
  #watching = 0
  #evicting = 0
  #sequence = 0

  constructor({ max, evict }: ConnectionSlotsOptions) {
    this.#max = max
    this.#evict = evict
  }

  get max(): number {
    return this.#max
  }

  set max(max: number) {
    this.#max = max
    for (let surplus = this.#used - max; surplus > 0; surplus--) this.#evict()
    this.#serve()
  }

  /** True when more connections are open than the limit, since it was lowered. */
  get isOver(): boolean {
    return this.#used > this.#max
  }

  /** Number of watching connections above what `#mayHave` would grant now. */
  get surplusWatching(): number {
    return Math.max(0, this.#watching - (this.#max - 1))
  }

  /** Returns a position in the order of all waiting requests, for `outranks`. */
  nextSequence(): number {
    return this.#sequence++
  }

  /** True when a request for a slot precedes a waiter of this rank and sequence. */
  outranks(rank: Rank, sequence: number): boolean {
    const first = this.#requests.find(request => this.#mayHave(request))
    return first !== undefined && compare(first, { rank, sequence }) < 0
  }

  /** Resolves with a slot; throws `overloaded` when none became free in time. */
  async request(rank: Rank, timeoutMs: number, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Slot>()
    const request: Request = { rank, sequence: this.nextSequence(), grant: resolve }
    const giveUp = (reason: unknown) => {
      this.#requests = this.#requests.filter(other => other !== request)
      reject(reason)
    }
    const timer = setTimeout(() => giveUp(this.#full()), timeoutMs)
    const abort = () => giveUp(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#requests.push(request)
    this.#requests.sort(compare)
    this.#serve()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  #serve(): void {
    for (const request of this.#requests.filter(waiting => this.#mayHave(waiting))) {
      if (this.#used >= this.#max) break
      if (!this.#mayHave(request)) continue
      this.#requests = this.#requests.filter(other => other !== request)
      request.grant(this.#take(request.rank))
    }
    const wanting = this.#requests.filter(request => this.#mayHave(request)).length
    while (this.#evicting < wanting && this.#evict()) this.#evicting++
  }

  /** One slot is always reserved for commands, or accounts could be watched and never read. */
  #mayHave({ rank }: Request): boolean {
    return rank !== 'watching' || this.#watching < this.#max - 1
  }

  #take(rank: Rank): Slot {
    let isHeld = true
    this.#used++
    if (rank === 'watching') this.#watching++
    const release = () => {
      if (!isHeld) return
      isHeld = false
      this.#used--
      if (rank === 'watching') this.#watching--
      this.#evicting = Math.max(0, this.#evicting - 1)
      this.#serve()
    }
    return { release }
  }

  #full(): Problem {
    const detail = `All ${this.#max} IMAP connections of this server are in use; try again, or raise max_connections.`
    return new Problem('overloaded', detail, { retryAfterSeconds: 5 })
  }
}

function compare(a: Pick<Request, 'rank' | 'sequence'>, b: Pick<Request, 'rank' | 'sequence'>): number {
  return ranks.indexOf(a.rank) - ranks.indexOf(b.rank) || a.sequence - b.sequence
}
