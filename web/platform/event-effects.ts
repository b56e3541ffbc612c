/** What each event of the stream does to the answers that the page keeps. */
import type { QueryClient } from '@tanstack/react-query'
import { keysOutdatedBy, queryKeys } from './query-keys.ts'
import { appendSample, type Samples } from './sample-ring.ts'
import type { StreamEvent } from './stream-status.ts'

/** Facts that come in a burst cause one reload. */
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
    // After a gap, or when the stream began anew, facts may be missing: everything is loaded again.
    const mayMiss = event.type === 'gap' || (event.type === 'welcome' && !event.data.resumed)
    for (const key of mayMiss ? [[]] : keysOutdatedBy(event)) this.#outdated.set(JSON.stringify(key), key)
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #flush(): void {
    this.#timer = undefined
    for (const queryKey of this.#outdated.values()) {
      // A failed reload shows in the panel that needs it.
      void this.#queries.invalidateQueries({ queryKey })
    }
    this.#outdated.clear()
  }
}
