/**
 * Finds the audience of a fact: open streams by view, and views by type and account, so that its cost grows with its
 * audience only.
 */
import type { Fact, FactType } from '../../contract/event.ts'
import type { EventStream } from './event-stream.ts'
import type { EventView } from './event-view.ts'
import { ownedType } from './fact-owners.ts'

export class StreamAudience {
  readonly #streams = new Map<EventView, Set<EventStream>>()
  /** Views of all accounts, by type: for facts of an account. */
  readonly #wide = new ViewIndex<FactType>()
  /** Views of some accounts, by account; their types are checked by the views themselves. */
  readonly #narrow = new ViewIndex<string>()
  /** All views, by type: for facts without an account. */
  readonly #all = new ViewIndex<FactType>()

  add(stream: EventStream): void {
    const { view } = stream
    const streams = this.#streams.get(view)
    if (streams) return void streams.add(stream)
    this.#streams.set(view, new Set([stream]))
    for (const type of view.types) {
      this.#all.add(type, view)
      if (!view.accounts) this.#wide.add(type, view)
    }
    for (const account of view.accounts ?? []) this.#narrow.add(account, view)
  }

  /** @param view The view under which the stream was added. */
  delete(stream: EventStream, view = stream.view): void {
    const streams = this.#streams.get(view)
    if (!streams?.delete(stream) || streams.size > 0) return
    this.#streams.delete(view)
    for (const type of view.types) {
      this.#all.delete(type, view)
      this.#wide.delete(type, view)
    }
    for (const account of view.accounts ?? []) this.#narrow.delete(account, view)
  }

  /** Returns the open streams of a view; streams may end during the iteration. */
  streamsOf(view: EventView): Iterable<EventStream> {
    return this.#streams.get(view) ?? []
  }

  /** Returns the views with streams that include a fact. */
  viewsOf(fact: Fact): EventView[] {
    if (!('account_id' in fact.data) || fact.data.account_id === undefined) {
      const views = [...this.#all.get(fact.type)]
      return fact.type === ownedType ? views.filter(view => view.accepts(fact)) : views
    }
    const narrow = [...this.#narrow.get(fact.data.account_id)].filter(view => view.accepts(fact))
    return [...this.#wide.get(fact.type), ...narrow]
  }
}

/** Multimap of views that stores a single view without a set, which would take ten times the memory. */
class ViewIndex<Key> {
  readonly #views = new Map<Key, EventView | Set<EventView>>()

  get(key: Key): Iterable<EventView> {
    const found = this.#views.get(key)
    if (found === undefined) return []
    return found instanceof Set ? found : [found]
  }

  add(key: Key, view: EventView): void {
    const found = this.#views.get(key)
    if (found instanceof Set) found.add(view)
    else this.#views.set(key, found === undefined || found === view ? view : new Set([found, view]))
  }

  delete(key: Key, view: EventView): void {
    const found = this.#views.get(key)
    if (found === view) this.#views.delete(key)
    else if (found instanceof Set && found.delete(view) && found.size === 0) this.#views.delete(key)
  }
}
