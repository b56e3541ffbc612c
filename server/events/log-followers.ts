/** Readers of the log that are no event streams, such as webhooks: each has its place, and is woken when a fact that it may see is committed. */
import type { Fact } from '../../contract/event.ts'
import type { Principal } from '../platform/principal.ts'
import type { EventLog } from './event-log.ts'
import type { EventFilter, EventView } from './event-view.ts'
import { LogReader } from './log-reader.ts'
import type { ReplayQueue } from './replay-queue.ts'
import type { ViewTable } from './view-table.ts'

export interface FollowOptions {
  principal: Principal
  filter: EventFilter
  /** Number of the last fact that it has. */
  after: number
  /** Something that it sees follows. Must not throw, and only takes note: it is called while the fact is handed on. */
  wake(): void
}

/** Its owner ends it. */
export interface Follower {
  readonly reader: LogReader
  /** It keeps its place; what follows is what the principal may see from now on. */
  change(principal: Principal): void
  end(): void
}

interface Entry {
  view: EventView
  wake(): void
}

export class LogFollowers {
  readonly #log: EventLog
  readonly #replays: ReplayQueue
  readonly #views: ViewTable
  /** A fact costs a look at each view, and a call for each follower that sees it. */
  readonly #entries = new Map<EventView, Set<Entry>>()

  constructor(log: EventLog, replays: ReplayQueue, views: ViewTable) {
    this.#log = log
    this.#replays = replays
    this.#views = views
  }

  follow({ principal, filter, after, wake }: FollowOptions): Follower {
    const view = this.#views.take(principal, filter)
    const reader = new LogReader({ log: this.#log, replays: this.#replays, principal, view, after })
    const entry: Entry = { view, wake }
    this.#add(entry)
    let isEnded = false
    return {
      reader,
      change: next => {
        if (isEnded) return
        this.#remove(entry)
        entry.view = this.#views.take(next, filter)
        this.#add(entry)
        reader.change(entry.view)
      },
      end: () => {
        if (isEnded) return
        isEnded = true
        this.#remove(entry)
        reader.end()
      },
    }
  }

  hear(fact: Fact): void {
    for (const [view, entries] of this.#entries) {
      if (view.accepts(fact)) for (const entry of entries) entry.wake()
    }
  }

  #add(entry: Entry): void {
    const entries = this.#entries.get(entry.view)
    if (entries) entries.add(entry)
    else this.#entries.set(entry.view, new Set([entry]))
  }

  #remove(entry: Entry): void {
    const entries = this.#entries.get(entry.view)
    if (entries?.delete(entry) && entries.size === 0) this.#entries.delete(entry.view)
    this.#views.giveBack(entry.view)
  }
}
