/** Reads the log for a program: a position in it, the view of its principal, and the events that it asked for. */
import type { EventHub } from '../events/event-hub.ts'
import type { LogEntry } from '../events/event-log.ts'
import type { EventFilter } from '../events/event-view.ts'
import type { Principal } from '../platform/principal.ts'
import type { EventProjector } from './event-projector.ts'
import { eventTypes, type RequestedEvent } from './event-types.ts'
import { type EventOccurrence, invalidParams } from './events-wire.ts'

export interface EventReadingOptions {
  hub: Pick<EventHub, 'follow' | 'places'>
  projector: EventProjector
  now(): number
}

/** The position that a cursor leads to. */
export interface StartPlace {
  after: number
  /** Whether some of the requested events are missing before it. */
  isTruncated: boolean
}

export interface PollPage {
  events: EventOccurrence[]
  place: number
  isTruncated: boolean
  hasMore: boolean
}

/** Batches of the log per poll; each has up to 1,000 facts. */
const maxBatches = 20

export function filterOf({ name, arguments: { account } }: RequestedEvent): EventFilter {
  return {
    types: new Set<string>(eventTypes[name].facts),
    accounts: account === undefined ? undefined : new Set([account]),
  }
}

export class EventReading {
  readonly #options: EventReadingOptions

  constructor(options: EventReadingOptions) {
    this.#options = options
  }

  cursorOf(place: number): string {
    return this.#options.hub.places.idOf(place)
  }

  /**
   * A cursor of another database leads to the newest fact, one from before the log to its oldest. @throws McpError for
   * an invalid cursor.
   */
  start(cursor: string | null | undefined): StartPlace {
    const { places } = this.#options.hub
    if (cursor === null || cursor === undefined) return { after: places.newest, isTruncated: false }
    const position = places.locate(cursor)
    if ('after' in position) return { after: position.after, isTruncated: false }
    if (position.gap === 'malformed') throw invalidParams('cursor: is not one of this server')
    return { after: position.gap === 'expired' ? places.oldest - 1 : places.newest, isTruncated: true }
  }

  /** Returns the time before which facts are left out; undefined for no bound. */
  floorOf(maxAgeMs: number | null | undefined): string | undefined {
    if (maxAgeMs === null || maxAgeMs === undefined) return undefined
    return new Date(Math.max(0, this.#options.now() - maxAgeMs)).toISOString()
  }

  async poll(
    asked: RequestedEvent,
    principal: Principal,
    { after, isTruncated: isBehind }: StartPlace,
    { floor, most }: { floor: string | undefined; most: number },
    signal: AbortSignal,
  ): Promise<PollPage> {
    const { hub, projector } = this.#options
    const follower = hub.follow({ principal, filter: filterOf(asked), after, wake: () => undefined })
    const { reader } = follower
    const stop = () => follower.end()
    signal.addEventListener('abort', stop, { once: true })
    const events: EventOccurrence[] = []
    let isTruncated = isBehind
    try {
      for (let batches = 0; batches < maxBatches; ) {
        signal.throwIfAborted()
        if (reader.isExpired) {
          isTruncated = true
          reader.passTo(hub.places.oldest - 1)
        }
        const batch = reader.take()
        if (!batch) {
          if (reader.isAtEnd) return { events, place: reader.place, isTruncated, hasMore: false }
          await reader.load()
          continue
        }
        batches++
        for (const entry of batch.entries) {
          if (isBefore(entry, floor)) {
            isTruncated = true
            continue
          }
          const event = await projector.project(asked, principal, entry, signal)
          if (event) events.push(event)
          if (events.length >= most) {
            return { events, place: entry.number, isTruncated, hasMore: entry.number < hub.places.newest }
          }
        }
      }
      return { events, place: reader.place, isTruncated, hasMore: !reader.isAtEnd }
    } finally {
      signal.removeEventListener('abort', stop)
      follower.end()
    }
  }

  /** Whether a matching fact is older than the floor; also true if finding out would take too long. */
  async hasOlder(asked: RequestedEvent, principal: Principal, after: number, floor: string): Promise<boolean> {
    const { hub } = this.#options
    const follower = hub.follow({ principal, filter: filterOf(asked), after, wake: () => undefined })
    try {
      for (let batches = 0; !follower.reader.isAtEnd && !follower.reader.isExpired; ) {
        const batch = follower.reader.take()
        const [first] = batch?.entries ?? []
        if (first) return isBefore(first, floor)
        if (!batch) await follower.reader.load()
        else if (++batches >= maxBatches) return true
      }
      return false
    } finally {
      follower.end()
    }
  }
}

export function isBefore({ fact }: LogEntry, floor: string | undefined): boolean {
  return floor !== undefined && fact.data.at < floor
}
