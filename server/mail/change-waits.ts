/** Bounded waits for changes in an account: woken by facts of the event log, and released when the server stops. */
import { Problem } from '../platform/problem.ts'

/** Concurrent waits of a caller, and of all callers. */
const [maxOfKey, maxOfAll] = [5, 200]

export interface ChangeWait {
  /** Resolves at the next change since opening or the last call, after `ms`, or when the server stops. */
  next(ms: number, signal: AbortSignal): Promise<void>
  close(): void
}

interface Waiter {
  readonly key: string
  readonly accountId: string
  hasChanged: boolean
  wake: (() => void) | undefined
}

export class ChangeWaits {
  readonly #waiters = new Set<Waiter>()
  #isClosed = false

  /** @throws Problem when too many waits are open. */
  open(key: string, accountId: string): ChangeWait {
    const mine = [...this.#waiters].filter(each => each.key === key).length
    if (mine >= maxOfKey || this.#waiters.size >= maxOfAll) {
      throw new Problem('too_many_requests', 'Too many calls wait for changes; call with wait_s 0.', {
        retryAfterSeconds: 5,
      })
    }
    const waiter: Waiter = { key, accountId, hasChanged: false, wake: undefined }
    this.#waiters.add(waiter)
    return {
      next: (ms, signal) => this.#next(waiter, ms, signal),
      close: () => void this.#waiters.delete(waiter),
    }
  }

  /** Called when something in the account has changed. */
  changed(accountId: string): void {
    for (const waiter of this.#waiters) {
      if (waiter.accountId !== accountId) continue
      waiter.hasChanged = true
      waiter.wake?.()
    }
  }

  /** Releases all waits. */
  close(): void {
    this.#isClosed = true
    for (const { wake } of this.#waiters) wake?.()
  }

  async #next(waiter: Waiter, ms: number, signal: AbortSignal): Promise<void> {
    if (!waiter.hasChanged && !this.#isClosed && !signal.aborted && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      waiter.wake = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
      clearTimeout(timer)
      waiter.wake = undefined
    }
    waiter.hasChanged = false
    signal.throwIfAborted()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }
}
