/**
 * Publishes the indexing progress of an account to the streams that may see it: once a second at most, and at the end.
 */
import type { State, SyncState } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'

export type SyncPhase = 'comparing' | 'headers' | 'texts'

export interface SyncProgressOptions {
  hub: Pick<EventHub, 'publishState' | 'publishLastState'>
  /** Minimum milliseconds between two states. */
  everyMs?: number
  /** Monotonic clock in milliseconds. */
  now?: () => number
}

export class SyncProgress {
  readonly #options: SyncProgressOptions
  readonly #accountId: string
  #last: SyncState | undefined
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(accountId: string, options: SyncProgressOptions) {
    this.#accountId = accountId
    this.#options = options
  }

  at(phase: SyncPhase, folder: string, done: number, total: number): void {
    const at = new Date().toISOString()
    this.#last = { account_id: this.#accountId, phase, folder, done, total, at }
    const { hub, everyMs = 1_000, now = () => performance.now() } = this.#options
    const isSoon = now() - this.#toldAt < everyMs
    if (isSoon) return
    this.#toldAt = now()
    hub.publishState(stateOf(this.#last))
  }

  /** Publishes the final state of a run that has reported progress. */
  end(phase: 'done' | 'stopped'): void {
    if (!this.#last) return
    const { total, done } = this.#last
    const last = { ...this.#last, phase, folder: null, done: phase === 'done' ? total : done }
    this.#last = undefined
    this.#options.hub.publishLastState(stateOf({ ...last, at: new Date().toISOString() }))
  }
}

function stateOf(data: SyncState): State {
  return { type: 'sync_progress', data }
}
