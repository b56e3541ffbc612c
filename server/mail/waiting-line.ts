/** Those who wait for a connection of one account: by priority, and first come first served inside it. */
import { Problem } from '../platform/problem.ts'
import type { ConnectionSlots } from './connection-slots.ts'

export type Priority = 'watch' | 'interactive' | 'background'

interface Waiter<T> {
  sequence: number
  serve(item: T): void
  reject(reason: unknown): void
}

const priorities: readonly Priority[] = ['watch', 'interactive', 'background']
/** Waiters of one account; whoever comes when it is full is turned away. */
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

  /** Priority of the first; background when nobody waits. */
  get rank(): Priority {
    return priorities.find(priority => this.#waiters[priority].size > 0) ?? 'background'
  }

  /**
   * Resolves when it is one's turn. Throws `overloaded` when the line is full, and what `whyTooLate` says when the
   * turn does not come in time.
   */
  async join(priority: Priority, timeoutMs: number, signal: AbortSignal, whyTooLate: () => Problem): Promise<T> {
    if (signal.aborted) throw goneAway()
    if (this.length >= maxWaiting) {
      const detail = `${maxWaiting} requests already wait for this account; try again in a moment.`
      throw new Problem('overloaded', detail, { retryAfterSeconds: 5 })
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiters = this.#waiters[priority]
    // Out of the line at once: nothing may be given to one who has left.
    const leave = (reason: unknown) => {
      waiters.delete(waiter)
      reject(reason)
    }
    const waiter: Waiter<T> = { sequence: this.#slots.nextSequence(), serve: resolve, reject: leave }
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

  /** Gives it to the first. */
  serve(item: T): void {
    const waiter = this.#first()
    if (!waiter) throw new Error('nobody waits')
    this.#waiters[this.rank].delete(waiter)
    waiter.serve(item)
  }

  rejectAll(reason: unknown): void {
    for (const priority of priorities) for (const waiter of [...this.#waiters[priority]]) waiter.reject(reason)
  }

  /** Whether another account's claim to a connection comes before all who wait here. */
  isOutranked(): boolean {
    return this.#slots.outranks(this.rank, this.#first()?.sequence ?? Number.POSITIVE_INFINITY)
  }

  #first(): Waiter<T> | undefined {
    return this.#waiters[this.rank].values().next().value
  }
}

/** Nobody reads this answer; it must only not look like a fault of ours. */
function goneAway(): Problem {
  return new Problem('bad_request', 'The client went away before its turn came.')
}
