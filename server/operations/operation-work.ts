/** One operation while it runs: the current state of its messages, in groups of one folder and one change. */
import type { OperationCounts, OperationState } from '../../contract/operations.ts'
import { rangesOfUids, writeUidSet } from '../imap/uid-ranges.ts'
import {
  type Change,
  type Intent,
  type ItemRow,
  isPlaced,
  isSettled,
  type OperationRow,
  type Place,
  type PlacedItem,
  placeKey,
  placeOf,
} from './operation-tables.ts'

/** Further looks per run of an operation, while other programs keep removing its messages. */
const mostLooksAgain = 10

export class OperationWork {
  readonly operation: OperationRow
  readonly #items: Map<number, ItemRow>

  #looksAgain = 0

  constructor(operation: OperationRow, items: readonly ItemRow[]) {
    this.operation = operation
    this.#items = new Map(items.map(item => [item.position, item]))
  }

  /** Counts a further look, after messages vanished. @returns Whether it is allowed. */
  mayLookAgain(): boolean {
    this.#looksAgain++
    return this.#looksAgain <= mostLooksAgain
  }

  get change(): (item: ItemRow) => Change {
    return item => JSON.parse(item.change) as Change
  }

  get intent(): Intent | undefined {
    const { intent } = this.operation
    return intent === null ? undefined : (JSON.parse(intent) as Intent)
  }

  get items(): readonly ItemRow[] {
    return [...this.#items.values()]
  }

  item(position: number): ItemRow {
    return this.#items.get(position)!
  }

  /** Returns the items in this state whose messages were found. */
  in(state: ItemRow['state']): PlacedItem[] {
    return this.items.filter(item => item.state === state).filter(isPlaced)
  }

  /**
   * Returns the next items in this state for one command, with the same folder and change; undefined if there are none.
   */
  group(state: ItemRow['state']): PlacedItem[] | undefined {
    const all = this.in(state)
    const [first] = all
    return first && fitting(all.filter(item => isOneGroup(item, first)))
  }

  set(item: ItemRow, values: Partial<ItemRow>): void {
    this.#items.set(item.position, { ...item, ...values })
  }

  /** @param moved New places by `placeKey`. @returns The resulting changes of waiting items. */
  follow(moved: ReadonlyMap<string, Place>): { item: ItemRow; values: Partial<ItemRow> }[] {
    return this.in('waiting').flatMap(item => {
      const place = moved.get(placeKey(placeOf(item)))
      if (!place) return []
      return [{ item, values: { path: place.path, uid_validity: place.uidValidity, uid: place.uid } }]
    })
  }

  get counts(): OperationCounts {
    return countsOf(this.items)
  }

  /** The final state; undefined while something is left to do. */
  get settled(): OperationState | undefined {
    return this.items.every(isSettled) ? stateOf(this.counts) : undefined
  }
}

/**
 * Bytes of a UID set: servers accept lines of 8,000 (RFC 7162, section 4), of which the rest is for the folder name.
 */
const mostSetBytes = 7_000

/**
 * Returns the items whose UID set fits a command line: all, or those with the lowest UIDs if UIDs are too scattered.
 */
function fitting(items: PlacedItem[]): PlacedItem[] {
  const widest = `${Math.max(...items.map(({ uid }) => uid))},`.length
  if (items.length * widest <= mostSetBytes) return items
  if (writeUidSet(rangesOfUids(items.map(({ uid }) => uid))).length <= mostSetBytes) return items
  const most = Math.floor(mostSetBytes / widest)
  const lowest = new Set(items.toSorted((one, other) => one.uid - other.uid).slice(0, most))
  return items.filter(item => lowest.has(item))
}

function isOneGroup(one: PlacedItem, other: PlacedItem): boolean {
  return one.path === other.path && one.uid_validity === other.uid_validity && one.change === other.change
}

export function countsOf(items: readonly Pick<ItemRow, 'state'>[]): OperationCounts {
  const counts = { total: items.length, waiting: 0, done: 0, failed: 0, gone: 0, unknown: 0 }
  for (const { state } of items) counts[state === 'sent' ? 'waiting' : state]++
  return counts
}

/** Returns the final state for the counts of a settled operation. */
export function stateOf({ total, done, unknown }: OperationCounts): Exclude<OperationState, 'pending'> {
  if (unknown > 0) return 'unknown'
  if (done === total) return 'done'
  return done === 0 ? 'failed' : 'partial'
}
