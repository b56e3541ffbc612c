/** The views of all open streams. Streams that see the same share one view, which is reused, not recreated. */
import type { Principal } from '../platform/principal.ts'
import { type EventFilter, EventView } from './event-view.ts'

/** Filters remembered for one principal; past it the oldest is evicted, and its view is made again when it is asked for. */
const maxRemembered = 256
/** Longer filters are not remembered, so that nobody fills the memory with account ids of his own making. */
const maxFilterLength = 1_000

export class ViewTable {
  /** By what they let through; only while streams have them. */
  readonly #shared = new Map<string, { view: EventView; streams: number }>()
  /** By what was asked for. What a principal may see never changes: whose rights change becomes another one. */
  readonly #remembered = new WeakMap<Principal, Map<string, EventView>>()

  /** For one more stream; it is given back when the stream ends. */
  take(principal: Principal, filter: EventFilter): EventView {
    const view = this.#find(principal, filter)
    const shared = this.#shared.get(view.key) ?? { view, streams: 0 }
    shared.streams++
    this.#shared.set(view.key, shared)
    return shared.view
  }

  giveBack(view: EventView): void {
    const shared = this.#shared.get(view.key)
    if (!shared || --shared.streams > 0) return
    this.#shared.delete(view.key)
    view.retire()
  }

  #find(principal: Principal, filter: EventFilter): EventView {
    const key = keyOf(filter)
    const known = this.#remembered.get(principal) ?? new Map<string, EventView>()
    const found = known.get(key)
    if (found) return found
    const view = new EventView(principal, filter)
    if (key.length > maxFilterLength) return view
    this.#remembered.set(principal, known.set(key, view))
    for (const oldest of known.keys()) {
      if (known.size <= maxRemembered) break
      known.delete(oldest)
    }
    return view
  }
}

function keyOf({ types, accounts }: EventFilter): string {
  return JSON.stringify([types && [...types], accounts && [...accounts]])
}
