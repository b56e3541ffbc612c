/** The views of all open streams; streams that see the same facts share one. */
import type { Principal } from '../platform/principal.ts'
import { type EventFilter, EventView } from './event-view.ts'

/** Views cached per principal, by filter; past it, the oldest is evicted and recreated when requested. */
const maxRemembered = 256
/** Characters of a filter; longer ones are not cached, so that clients cannot fill memory with made-up account ids. */
const maxFilterLength = 1_000

export class ViewTable {
  /** Views in use, by key, with the number of their streams. */
  readonly #shared = new Map<string, { view: EventView; streams: number }>()
  /** Views by filter. Sound, since a principal object is immutable: changed rights make another one. */
  readonly #remembered = new WeakMap<Principal, Map<string, EventView>>()

  /** Acquires a view for a stream, which releases it by `giveBack` when it ends. */
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
