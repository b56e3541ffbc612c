/** Lets the index show what operations change, from when they are taken in; and have read again what they did not change after all. */
import type { ExpectedChange, ExpectedChanges, Renamed } from '../index/expected-changes.ts'
import type { AccountIndexer } from '../sync/account-indexer.ts'
import type { OperationStore } from './operation-store.ts'
import {
  type Change,
  type ItemRow,
  isPlaced,
  type OperationRow,
  type Place,
  type PlacedItem,
  placeOf,
} from './operation-tables.ts'

export interface ShownOperationsOptions {
  expected: ExpectedChanges
  /** What keeps the index of an account; undefined while nothing does. */
  indexerOf(accountId: string): Pick<AccountIndexer, 'show' | 'notice' | 'brought'> | undefined
}

type Operation = Pick<OperationRow, 'id' | 'account_id' | 'kind'>

/** Of each account the newest that did not do all are looked at after a start: what was shown of them may not have been taken back. */
const readAgain = { operations: 100, messages: 5_000 }

export class ShownOperations {
  readonly #options: ShownOperationsOptions

  constructor(options: ShownOperationsOptions) {
    this.#options = options
  }

  /** Before an account is followed. */
  async load(store: Pick<OperationStore, 'accountsWithPending' | 'accounts' | 'listPending' | 'listFailed' | 'items'>) {
    const halfDone = new Map<string, PlacedItem[]>()
    for (const accountId of await store.accountsWithPending()) {
      const off: PlacedItem[] = []
      for (const operation of await store.listPending(accountId)) {
        const items = await store.items(operation.id)
        this.expect(operation, items)
        // A folder of it was refused, and another one was not tried before the end.
        off.push(...items.filter(isPlaced).filter(isOff))
      }
      halfDone.set(accountId, off)
    }
    for (const accountId of await store.accounts()) {
      const failed: PlacedItem[][] = []
      let messages = 0
      for (const operation of await store.listFailed(accountId, readAgain.operations)) {
        messages += operation.total
        if (messages > readAgain.messages) break
        failed.push((await store.items(operation.id)).filter(isPlaced).filter(isOff))
      }
      // The oldest first: where a message was last counts.
      const off = [...failed.reverse().flat(), ...(halfDone.get(accountId) ?? [])]
      this.#options.expected.of(accountId).readAgain(off.map(returning))
    }
  }

  /** Before it is stored: from then on it may be done at any time. */
  expect(operation: Operation, items: readonly ItemRow[]): void {
    const changeOf = parsedOnce()
    const changes = items.filter(isPlaced).flatMap(item => toExpected(operation, item, changeOf) ?? [])
    this.#options.expected.of(operation.account_id).set(operation.id, changes)
  }

  /** It was stored. */
  show(operations: readonly Operation[]): void {
    const { expected, indexerOf } = this.#options
    for (const [accountId, ofAccount] of Map.groupBy(operations, each => each.account_id)) {
      indexerOf(accountId)?.show(expected.of(accountId).batches(ofAccount.map(({ id }) => id)))
    }
  }

  /** It was not stored. */
  forget({ account_id, id }: Operation): void {
    this.#options.expected.of(account_id).forget(id)
  }

  /** What became of its messages. */
  follow(operation: Operation, items: readonly ItemRow[], changed: readonly ItemRow[]): void {
    // What is about to be done is shown already.
    if (changed.every(({ state }) => state === 'sent')) return
    const { expected, indexerOf } = this.#options
    const indexer = indexerOf(operation.account_id)
    const known = expected.of(operation.account_id)
    // While nothing compares, nothing that was read before can come later.
    this.expect(operation, indexer ? items : items.filter(({ state }) => state !== 'done'))
    const off = changed.filter(isPlaced).filter(isOff)
    known.readAgain(off.map(returning))
    for (const path of new Set(off.map(item => item.path))) indexer?.notice(path)
  }

  /** The mail server said itself where these messages are now: the index need not read which ones they are. */
  brought(accountId: string, messages: readonly (readonly [message: ItemRow, place: Place])[]): void {
    const indexer = this.#options.indexerOf(accountId)
    const folders = Map.groupBy(messages, ([, { path, uidValidity }]) => `${uidValidity}:${path}`)
    for (const group of folders.values()) {
      const [, { path, uidValidity }] = group[0]!
      const known = group.flatMap(([{ message_id: id }, { uid }]) => (id === null ? [] : [{ uid, id }]))
      indexer?.brought(path, uidValidity, known)
    }
  }

  /** On the mail server it has another path. */
  renameFolder(accountId: string, renamed: Renamed): void {
    this.#options.expected.of(accountId).renameFolder(renamed)
  }
}

function returning(item: PlacedItem) {
  return { ...placeOf(item), messageId: item.message_id }
}

/** Undefined where lists show nothing of it. */
function toExpected(
  { kind }: Operation,
  item: PlacedItem,
  changeOf: (text: string) => Change,
): ExpectedChange | undefined {
  if (kind === 'copy' || isOff(item)) return undefined
  const { add = [], remove = [], to } = changeOf(item.change)
  if (kind === 'move' && to === item.path) return undefined
  const { path, uid, uid_validity: uidValidity, message_id: messageId, state } = item
  const leaves = kind !== 'flags'
  return { path, uid, uidValidity, messageId, leaves, to, add, remove, isDone: state === 'done' }
}

/** A thousand messages have the same change in a row. */
function parsedOnce(): (text: string) => Change {
  let last: { text: string; change: Change } | undefined
  return text => {
    if (last?.text !== text) last = { text, change: JSON.parse(text) as Change }
    return last.change
  }
}

/** What is shown of it is not so, or nobody knows. */
function isOff({ state, code }: ItemRow): boolean {
  return state === 'failed' || state === 'unknown' || state === 'gone' || code === 'marked_deleted'
}
