/**
 * Makes the index show operations' changes as soon as they are accepted, and re-reads what was not changed after all.
 */
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
  /** Returns the indexer of an account; undefined while none runs. */
  indexerOf(accountId: string): Pick<AccountIndexer, 'show' | 'notice' | 'brought'> | undefined
}

type Operation = Pick<OperationRow, 'id' | 'account_id' | 'kind'>

/** Per account, the newest failed operations are re-read after a start, up to these: lists may show them as done. */
const readAgain = { operations: 100, messages: 5_000 }

export class ShownOperations {
  readonly #options: ShownOperationsOptions

  constructor(options: ShownOperationsOptions) {
    this.#options = options
  }

  /** Restores the expected changes. To be called at a start, before any account is indexed. */
  async load(store: Pick<OperationStore, 'accountsWithPending' | 'accounts' | 'listPending' | 'listFailed' | 'items'>) {
    const halfDone = new Map<string, PlacedItem[]>()
    for (const accountId of await store.accountsWithPending()) {
      const off: PlacedItem[] = []
      for (const operation of await store.listPending(accountId)) {
        const items = await store.items(operation.id)
        this.expect(operation, items)
        // One folder may have been refused before the process ended, with another not attempted yet.
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
      // Oldest first, since a message's last place counts.
      const off = [...failed.reverse().flat(), ...(halfDone.get(accountId) ?? [])]
      this.#options.expected.of(accountId).readAgain(off.map(returning))
    }
  }

  /** Registers the expected changes. To be called before the operation is stored, since it may run at any time then. */
  expect(operation: Operation, items: readonly ItemRow[]): void {
    const changeOf = parsedOnce()
    const changes = items.filter(isPlaced).flatMap(item => toExpected(operation, item, changeOf) ?? [])
    this.#options.expected.of(operation.account_id).set(operation.id, changes)
  }

  /** Shows the expected changes of operations that were stored. */
  show(operations: readonly Operation[]): void {
    const { expected, indexerOf } = this.#options
    for (const [accountId, ofAccount] of Map.groupBy(operations, each => each.account_id)) {
      indexerOf(accountId)?.show(expected.of(accountId).batches(ofAccount.map(({ id }) => id)))
    }
  }

  /** Drops the expected changes of an operation that was not stored. */
  forget({ account_id, id }: Operation): void {
    this.#options.expected.of(account_id).forget(id)
  }

  /** Updates the expected changes by the outcome of messages. */
  follow(operation: Operation, items: readonly ItemRow[], changed: readonly ItemRow[]): void {
    // Changes that are about to be sent are shown already.
    if (changed.every(({ state }) => state === 'sent')) return
    const { expected, indexerOf } = this.#options
    const indexer = indexerOf(operation.account_id)
    const known = expected.of(operation.account_id)
    // Without an indexer, no older read can arrive later, so done changes need not be kept.
    this.expect(operation, indexer ? items : items.filter(({ state }) => state !== 'done'))
    const off = changed.filter(isPlaced).filter(isOff)
    known.readAgain(off.map(returning))
    for (const path of new Set(off.map(item => item.path))) indexer?.notice(path)
  }

  /** Passes on the new places that the mail server reported, so that the index need not identify the messages there. */
  brought(accountId: string, messages: readonly (readonly [message: ItemRow, place: Place])[]): void {
    const indexer = this.#options.indexerOf(accountId)
    const folders = Map.groupBy(messages, ([, { path, uidValidity }]) => `${uidValidity}:${path}`)
    for (const group of folders.values()) {
      const [, { path, uidValidity }] = group[0]!
      const known = group.flatMap(([{ message_id: id }, { uid }]) => (id === null ? [] : [{ uid, id }]))
      indexer?.brought(path, uidValidity, known)
    }
  }

  /** Applies a rename that was done on the mail server. */
  renameFolder(accountId: string, renamed: Renamed): void {
    this.#options.expected.of(accountId).renameFolder(renamed)
  }
}

function returning(item: PlacedItem) {
  return { ...placeOf(item), messageId: item.message_id }
}

/** @returns Undefined when lists show nothing of the change. */
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

/** Caches the last parsed change, which a thousand successive messages may share. */
function parsedOnce(): (text: string) => Change {
  let last: { text: string; change: Change } | undefined
  return text => {
    if (last?.text !== text) last = { text, change: JSON.parse(text) as Change }
    return last.change
  }
}

/** Whether what is shown of the item is wrong or uncertain. */
function isOff({ state, code }: ItemRow): boolean {
  return state === 'failed' || state === 'unknown' || state === 'gone' || code === 'marked_deleted'
}
