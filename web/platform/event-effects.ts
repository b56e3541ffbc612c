/** What each event of the stream does to the answers that the page keeps. */
import type { QueryClient } from '@tanstack/react-query'
import type { ServerEvent } from '../../contract/event.ts'
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
    // What nobody looks at now is not to be shown again before it was asked for: it may not be one's business any more.
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
      // A failed reload shows in the panel that needs it.
      void this.#queries.invalidateQueries({ queryKey })
    }
    this.#outdated.clear()
  }
}

/** After a gap, or when the stream began again, facts may be missing; and with other rights one sees other things. */
function isAllOutdated(event: ServerEvent): boolean {
  return event.type === 'gap' || event.type === 'session_changed' || (event.type === 'welcome' && !event.data.resumed)
}
