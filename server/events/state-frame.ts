/** The newest of one state, as bytes: encoded once for all who see every account, and once for each other list of accounts. */
import type { State, StateType } from '../../contract/event.ts'
import { type Sight, seesAll } from '../platform/visible-figures.ts'
import { encodeFrame } from './event-frame.ts'
import type { EventView } from './event-view.ts'

/** The same state, summed over the accounts that a caller sees; undefined where it is told nothing. */
export type SummedFor = (sight: Sight) => State['data'] | undefined

export class StateFrame {
  readonly type: StateType
  /** Of states of one account: only for those who may see it. */
  readonly accountId: string | undefined
  /** Of states with the same key only the newest counts. */
  readonly key: string
  /** Of states of one person, or of one token: only for its streams. As `ownerOf` has it. */
  readonly owner: string | undefined
  readonly #whole: Buffer
  readonly #summedFor: SummedFor | undefined
  /** By list; as many as open streams have, made when the first of them is served. */
  readonly #summed = new Map<string, Buffer | undefined>()

  /** @param summedFor For a state that is counted over accounts; without it everybody is told the same. */
  constructor({ type, data }: State, summedFor: SummedFor | undefined, owner?: string) {
    this.type = type
    this.owner = owner
    this.accountId = 'account_id' in data ? data.account_id : undefined
    this.key =
      'conversation_id' in data
        ? `${type} ${data.conversation_id}`
        : this.accountId === undefined
          ? type
          : `${type} ${this.accountId}`
    this.#whole = encodeFrame(type, data)
    this.#summedFor = summedFor
  }

  /** The same bytes for all who see the same accounts; none where they are told nothing. */
  bytesFor({ seen: accounts, seenKey }: EventView): Buffer | undefined {
    if (!this.#summedFor || seesAll({ accounts })) return this.#whole
    if (this.#summed.has(seenKey)) return this.#summed.get(seenKey)
    const data = this.#summedFor({ accounts })
    const bytes = data && encodeFrame(this.type, data)
    this.#summed.set(seenKey, bytes)
    return bytes
  }
}
