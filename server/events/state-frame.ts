/**
 * The newest value of a state, encoded once for principals that see every account, and once per other set of accounts.
 */
import type { State, StateType } from '../../contract/event.ts'
import { type Sight, seesAll } from '../platform/visible-figures.ts'
import { encodeFrame } from './event-frame.ts'
import type { EventView } from './event-view.ts'

/** Returns the state summed over the accounts visible to a principal; undefined if it may not see the state. */
export type SummedFor = (sight: Sight) => State['data'] | undefined

/** Returns the key of a state: a newer state replaces one with the same. */
export function keyOf({ type, data }: Pick<State, 'type' | 'data'>): string {
  if ('conversation_id' in data) return `${type} ${data.conversation_id}`
  return 'account_id' in data && data.account_id !== undefined ? `${type} ${data.account_id}` : type
}

export class StateFrame {
  readonly type: StateType
  /** The account of a state, whose streams have to see it; undefined if it is about none. */
  readonly accountId: string | undefined
  readonly key: string
  /** Key from `ownerOf` for a state sent only to the streams of one user or token. */
  readonly owner: string | undefined
  readonly #whole: Buffer
  readonly #summedFor: SummedFor | undefined
  /** Encoded sums by set of accounts; created lazily, bounded by the open streams. */
  readonly #summed = new Map<string, Buffer | undefined>()

  /** @param summedFor Sums a state over accounts; without it, all principals get the same. */
  constructor({ type, data }: State, summedFor: SummedFor | undefined, owner?: string) {
    this.type = type
    this.owner = owner
    this.accountId = 'account_id' in data ? data.account_id : undefined
    this.key = keyOf({ type, data })
    this.#whole = encodeFrame(type, data)
    this.#summedFor = summedFor
  }

  /** Returns the bytes for a view, shared by views of the same accounts; undefined if it may not see the state. */
  bytesFor({ seen: accounts, seenKey }: EventView): Buffer | undefined {
    if (!this.#summedFor || seesAll({ accounts })) return this.#whole
    if (this.#summed.has(seenKey)) return this.#summed.get(seenKey)
    const data = this.#summedFor({ accounts })
    const bytes = data && encodeFrame(this.type, data)
    this.#summed.set(seenKey, bytes)
    return bytes
  }
}
