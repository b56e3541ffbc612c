/** The newest of one state, as bytes: encoded once for all who see every account, and once for each other list of accounts. */
import type { State, StateType } from '../../contract/event.ts'
import { encodeFrame } from './event-frame.ts'
import type { EventView } from './event-view.ts'

/** What callers get that see these accounts alone. */
export type Narrow = (accounts: ReadonlySet<string>) => State['data']

export class StateFrame {
  readonly type: StateType
  readonly #whole: Buffer
  readonly #narrow: Narrow | undefined
  /** By list; as many as open streams have, made when the first of them is served. */
  #narrowed: Map<string, Buffer> | undefined

  /** @param narrow For a state that speaks of accounts; without it everybody is told the same. */
  constructor({ type, data }: State, narrow: Narrow | undefined) {
    this.type = type
    this.#whole = encodeFrame(type, data)
    this.#narrow = narrow
  }

  /** The same bytes for all who see the same accounts. */
  bytesFor({ seen, seenKey }: EventView): Buffer {
    if (!this.#narrow || seen === 'all') return this.#whole
    this.#narrowed ??= new Map()
    const known = this.#narrowed.get(seenKey)
    if (known) return known
    const bytes = encodeFrame(this.type, this.#narrow(seen))
    this.#narrowed.set(seenKey, bytes)
    return bytes
  }
}
