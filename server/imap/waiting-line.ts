/** The queue of requests for a connection of one account: by priority, first come first served within each. */
import { Problem } from '../platform/problem.ts'
import type { ConnectionSlots } from './connection-slots.ts'

export type Priority = 'watch' | 'interactive' | 'background'

/** A request for a connection: its priority and purpose. */
export interface Call {
  priority: Priority
  folder: string | undefined
  /**
   * True for the rest of a response in progress: it is served while there are connections, also when the server stops.
   */
  isUnderWay?: boolean | undefined
  /** True for a change, which is never retried. */
  isOnce?: boolean | undefined
}

interface Waiter<T> {
  sequence: number
  /** The folder that the request is about, if only one. */
  folder: string | undefined
  /** Number of later requests that were served before it. */
  passed: number
  isUnderWay: boolean
  serve(item: T): void
  reject(reason: unknown): void
}

const priorities: readonly Priority[] = ['watch', 'interactive', 'background']
/** A connection may go to a later request whose folder it has open: up to this many places back, and this often. */
const maxPassed = 8
/** Waiting requests of one account; further ones are rejected. */
const maxWaiting = 500

export class WaitingLine<T> {
  readonly #slots: ConnectionSlots
  readonly #waiters: Record<Priority, Set<Waiter<T>>> = {
    watch: new Set(),
    interactive: new Set(),
    background: new Set(),
  }

  constructor(slots: ConnectionSlots) {
    this.#slots = slots
  }

  get length(): number {
    return priorities.reduce((sum, priority) => sum + this.#waiters[priority].size, 0)
  }

  /** Priority of the first request; background when the queue is empty. */
  get rank(): Priority {
    return priorities.find(priority => this.#waiters[priority].size > 0) ?? 'background'
  }

  /**
   * Resolves when it is this request's turn. Throws `overloaded` when the queue is full, and the Problem of
   * `whyTooLate` when the turn does not come in time.
   */
  async join(
    { priority, folder, isUnderWay = false }: Call,
    timeoutMs: number,
    signal: AbortSignal,
    whyTooLate: () => Problem,
  ): Promise<T> {
    if (signal.aborted) throw goneAway()
    if (this.length >= maxWaiting) {
      const detail = `${maxWaiting} requests already wait for this account; try again in a moment.`
      throw new Problem('overloaded', detail, { retryAfterSeconds: 5 })
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiters = this.#waiters[priority]
    // Leaves the queue immediately, so that a request that has left is never served.
    const leave = (reason: unknown) => {
      waiters.delete(waiter)
      reject(reason)
    }
    const place = { sequence: this.#slots.nextSequence(), folder, passed: 0, isUnderWay }
    const waiter: Waiter<T> = { ...place, serve: resolve, reject: leave }
    waiters.add(waiter)
    const timer = setTimeout(() => leave(whyTooLate()), timeoutMs)
    const abort = () => leave(goneAway())
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  /** The folder of the first request. */
  get folder(): string | undefined {
    return this.#first()?.folder
  }

  /** Serves the first request, or one closely behind it whose folder the connection has open. */
  serve(item: T, openFolder: string | undefined): void {
    const first = this.#first()
    if (!first) throw new Error('no request is waiting')
    const waiters = this.#waiters[this.rank]
    const near = first.passed < maxPassed && openFolder !== undefined ? [...take(waiters, maxPassed)] : [first]
    const waiter = near.find(({ folder }) => folder === openFolder) ?? first
    if (waiter !== first) first.passed++
    waiters.delete(waiter)
    waiter.serve(item)
  }

  rejectAll(reason: unknown): void {
    for (const waiter of this.#all()) waiter.reject(reason)
  }

  /** Rejects all waiting requests, except those for the rest of a response. */
  rejectNew(reason: unknown): void {
    for (const waiter of this.#all()) if (!waiter.isUnderWay) waiter.reject(reason)
  }

  /** True when another account's request for a connection precedes all requests in this queue. */
  isOutranked(): boolean {
    return this.#slots.outranks(this.rank, this.#first()?.sequence ?? Number.POSITIVE_INFINITY)
  }

  #all(): Waiter<T>[] {
    return priorities.flatMap(priority => [...this.#waiters[priority]])
  }

  #first(): Waiter<T> | undefined {
    return this.#waiters[this.rank].values().next().value
  }
}

function* take<T>(all: Iterable<T>, count: number): Generator<T> {
  for (const one of all) {
    if (count-- <= 0) return
    yield one
  }
}

/** No client reads this response; it only must not be logged as a bug of ours. */
function goneAway(): Problem {
  return new Problem('bad_request', 'The client disconnected before its turn came.')
}
