/**
 * Readers of the log other than event streams, such as webhooks: each has a position, and is woken by commits of facts
 * it may see.
 */
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
  /** Number of the last fact that it has read. */
  after: number
  /** Called when a visible fact was committed. Must not throw or block: it runs during delivery. */
  wake(): void
}

/** A follower, ended by its owner. */
export interface Follower {
  readonly reader: LogReader
  /** Applies changed rights; the position is kept. */
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
  /** Followers by view, so that a fact is checked once per view and wakes only followers that see it. */
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

  notify(fact: Fact): void {
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
