/** Updates or invalidates the query cache for each event of the stream. */
import type { QueryClient } from '@tanstack/react-query'
import type { ServerEvent } from '../../contract/event.ts'
import { keysOutdatedBy, queryKeys } from './query-keys.ts'
import { appendSample, type Samples } from './sample-ring.ts'
import type { StreamEvent } from './stream-status.ts'

/** Milliseconds for which invalidations are collected, so that a burst of facts causes one reload. */
const gatherMs = 250

export class EventEffects {
  readonly #queries: QueryClient
  readonly #outdated = new Map<string, readonly string[]>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(queries: QueryClient) {
    this.#queries = queries
  }

  apply({ event }: StreamEvent): void {
    if (event.type === 'stats_update') {
      this.#queries.setQueryData(queryKeys.stats, event.data)
      this.#queries.setQueryData<Samples>(queryKeys.samples, samples => samples && appendSample(samples, event.data))
      return
    }
    // Inactive queries are removed rather than kept as stale: with the changed rights, they may no longer be visible.
    if (event.type === 'session_changed') this.#queries.removeQueries({ type: 'inactive' })
    for (const key of isAllOutdated(event) ? [[]] : keysOutdatedBy(event)) this.#outdated.set(JSON.stringify(key), key)
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #flush(): void {
    this.#timer = undefined
    for (const queryKey of this.#outdated.values()) {
      // A failed reload is shown by the panel that uses the query.
      void this.#queries.invalidateQueries({ queryKey })
    }
    this.#outdated.clear()
  }
}

/**
 * Returns whether everything is stale: after a gap or a fresh stream facts may be missing, and changed rights change
 * what is visible.
 */
function isAllOutdated(event: ServerEvent): boolean {
  return event.type === 'gap' || event.type === 'session_changed' || (event.type === 'welcome' && !event.data.resumed)
}
