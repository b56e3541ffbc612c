/** Those who wait for a connection of one account: by priority, and first come first served inside it. */
import { Problem } from '../platform/problem.ts'
import type { ConnectionSlots } from './connection-slots.ts'

export type Priority = 'watch' | 'interactive' | 'background'

/** Whose turn it is, and what for. */
export interface Call {
  priority: Priority
  folder: string | undefined
  /** It is the rest of an answer that has begun: it is served as long as there are connections, also when the server stops. */
  isUnderWay?: boolean | undefined
  /** It changes something: it is never begun a second time. */
  isOnce?: boolean | undefined
}

interface Waiter<T> {
  sequence: number
  /** What it is about, when it is about one folder. */
  folder: string | undefined
  /** How often one behind it was served before it. */
  passed: number
  isUnderWay: boolean
  serve(item: T): void
  reject(reason: unknown): void
}

const priorities: readonly Priority[] = ['watch', 'interactive', 'background']
/** A connection may go to one behind the first whose folder it has open: as far behind, and as often past the first. */
const maxPassed = 8
/** Waiters of one account; a waiter that comes when it is full is turned away. */
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
    // Out of the line at once: nothing may be given to one who has left.
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

  /** What the first is about. */
  get folder(): string | undefined {
    return this.#first()?.folder
  }

  /** Gives it to the first, or to one soon behind it whose folder is open there already. */
  serve(item: T, openFolder: string | undefined): void {
    const first = this.#first()
    if (!first) throw new Error('nobody waits')
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

  /** As `rejectAll`, but for those who wait for the rest of an answer. */
  turnAway(reason: unknown): void {
    for (const waiter of this.#all()) if (!waiter.isUnderWay) waiter.reject(reason)
  }

  /** Whether another account's claim to a connection comes before all who wait here. */
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

/** Nobody reads this answer; it must only not look like a fault of ours. */
function goneAway(): Problem {
  return new Problem('bad_request', 'The client went away before its turn came.')
}
