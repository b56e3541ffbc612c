/** Accepts changes to messages and reports their outcome; `OperationQueue` carries them out. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Folder } from '../../contract/mail.ts'
import type { Operation, OperationKind, OperationState, OperationWithResults } from '../../contract/operations.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { badCursor } from '../platform/list-query.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import { type AcceptedCalls, keyedCall, type NewOperation } from './accepted-calls.ts'
import { toWireFlag } from './flag-words.ts'
import type { FolderArguments } from './folder-kinds.ts'
import type { NamedMessages } from './named-messages.ts'
import { newFolderOperation, newItem, newOperation, settleIfNothing } from './new-operation.ts'
import { type MayChange, mayChangeAll, type StillMay } from './operation-control.ts'
import type { OperationIds } from './operation-id.ts'
import { maySee, principalIdOf, sightOf } from './operation-rights.ts'
import type { OperationStore } from './operation-store.ts'
import type { Arguments, Change, Identity, ItemRow, OperationRow } from './operation-tables.ts'
import { toResultsText } from './operation-text.ts'
import { toOperation, toResults } from './operation-view.ts'
import { type NamedTarget, targetFolder } from './target-folder.ts'

export interface OperationServiceOptions {
  store: OperationStore
  calls: AcceptedCalls
  ids: OperationIds
  named: Pick<NamedMessages, 'find' | 'firstPath' | 'recognise'>
  refs: Pick<MessageRefs, 'encode' | 'encodeIn' | 'canName'>
  hub: Pick<EventHub, 'listen'>
  accounts: Pick<AccountService, 'get'>
  /** Returns all folders of the account, as of the last look of its index; undefined without an index. */
  knownFolders(accountId: string): readonly Folder[] | undefined
  /** Returns all folders of the account, as the mail server lists them now. */
  foldersOf(accountId: string, signal: AbortSignal): Promise<readonly Folder[]>
  /** Called before an operation is accepted; omitted when everything may be changed. */
  mayChange?: MayChange
  /** Called with the number of messages in an accepted change; a proposed one is counted when it is applied. */
  taken?(principal: Pick<Principal, 'id' | 'kind'>, messages: number): void
}

/** The requested change, in the caller's terms. */
export interface Wanted {
  kind: OperationKind
  ids: readonly string[]
  add?: readonly string[] | undefined
  remove?: readonly string[] | undefined
  to?: NamedTarget | undefined
}

export interface Accepting {
  signal: AbortSignal
  /** The idempotency key of the call. */
  key?: string | undefined
  /** Called with the operation as soon as it is stored. */
  taken?(operation: OperationRow): void
}

interface RequestedWork {
  change: Change
  args: Arguments
  /** The target folder, if it has to be created first. */
  creates?: FolderArguments
}

export interface ListQuery {
  account_id?: string | undefined
  /** Name of a work session. */
  session?: string | undefined
  since?: string | undefined
  principal?: string | undefined
  state?: OperationState | undefined
  limit: number
  cursor?: string | undefined
}

export class OperationService {
  readonly #options: OperationServiceOptions

  constructor(options: OperationServiceOptions) {
    this.#options = options
  }

  /** @param key The idempotency key of the call. @throws Problem when nothing is accepted. */
  async accept(
    principal: Principal,
    accountId: string,
    wanted: Wanted,
    signal: AbortSignal,
    key?: string,
  ): Promise<OperationWithResults> {
    const { operation, items } = await this.#take(principal, accountId, wanted, { signal, key })
    return toResults(operation, items, this.#options.refs)
  }

  /** Like `accept`, but returns JSON text, since checking a thousand results takes longer than writing them. */
  async acceptAsText(principal: Principal, accountId: string, wanted: Wanted, how: Accepting): Promise<string> {
    const { operation, items } = await this.#take(principal, accountId, wanted, how)
    return toResultsText(operation, items, this.#options.refs)
  }

  async #take(
    principal: Principal,
    accountId: string,
    wanted: Wanted,
    { signal, key, taken = () => undefined }: Accepting,
  ): Promise<NewOperation> {
    const { calls, named, ids, mayChange = mayChangeAll } = this.#options
    await this.checkAccount(principal, accountId)
    const call = keyedCall(principal, key, [accountId, wanted])
    const repeatOf = async (id: string) => {
      const operation = await this.getRow(principal, id)
      taken(operation)
      return { operation, items: await this.#options.store.items(id) }
    }
    const before = await calls.repeated(call)
    if (before !== undefined) return repeatOf(before)
    const { change, args, creates } = await this.#changeOf(accountId, wanted, signal)
    const early = creates ? undefined : calls.lookEarly(accountId, change.to)
    const openEarly = async () => {
      const path = await named.firstPath(accountId, wanted.ids)
      if (path !== undefined) early?.open(path)
    }
    // An error is reported by the lookup of all messages.
    if (early && wanted.ids.length >= manyIds) openEarly().catch(() => undefined)
    const finding = named.find(accountId, wanted.ids)
    const isCopied = wanted.kind === 'move' || wanted.kind === 'copy'
    // Queued behind `find` in the same thread. An error surfaces where it is awaited, below.
    const recognising = isCopied ? named.recognise(accountId, wanted.ids) : undefined
    recognising?.catch(() => undefined)
    const found = await finding
    const text = JSON.stringify(change)
    const draft = newOperation(principal, { id: '', accountId, kind: wanted.kind, args })
    const items = found.map((message, position) => newItem(draft, position, text, message))
    // The identities arrive from the index before the items are stored, so the look need not read them.
    if (isCopied) for (const item of items) if (item.message_id !== null) item.identity = comingIdentity
    // The look only reads and its result is not disclosed, so it may overlap with the authorization below.
    early?.look(draft, items)
    const messages = found.flatMap(each => ('place' in each ? [{ ...each, change }] : []))
    const still: (StillMay | undefined)[] = []
    if (creates) {
      const folder = { path: creates.folder, to: undefined, role: creates.role }
      const creating = { kind: 'create_folder', undoOf: undefined, messages: [], folder } as const
      still.push(await mayChange(principal, accountId, creating))
    }
    still.push(await mayChange(principal, accountId, { kind: wanted.kind, undoOf: undefined, messages }))
    // Its id is taken first, so that the folder is created before the messages are moved or copied there.
    const created =
      creates && newFolderOperation(principal, { id: ids.next(), accountId, kind: 'create_folder', args: creates })
    const operation = newOperation(principal, { id: ids.next(), accountId, kind: wanted.kind, args })
    for (const item of items) item.operation_id = operation.id
    settleIfNothing(operation, items)
    const needs = created ? { needs: created.operation.id } : {}
    const added = [...(created ? [created] : []), { operation, items, ...needs }]
    const complete = recognising?.then(recognised => {
      for (const item of items) recogniseItem(item, recognised)
    })
    const repeated = await calls.take(call, added, () => operation.id, { still, early, complete })
    if (repeated !== undefined) return repeatOf(repeated)
    taken(operation)
    if (operation.state !== 'proposed') this.#options.taken?.(principal, messages.length)
    // Lets the queue send its first command before a thousand results are serialized.
    await yieldLoop()
    return { operation, items }
  }

  /** @throws Problem `operation_not_found`, also for operations that the principal may not see. */
  async get(principal: Principal, id: string): Promise<OperationWithResults> {
    const row = await this.getRow(principal, id)
    return toResults(row, await this.#options.store.items(id), this.#options.refs)
  }

  /** Like `get`, but returns JSON text. */
  async getAsText(principal: Principal, id: string): Promise<string> {
    const row = await this.getRow(principal, id)
    return toResultsText(row, await this.#options.store.items(id), this.#options.refs)
  }

  async getRow(principal: Principal, id: string): Promise<OperationRow> {
    const row = await this.#options.store.find(id)
    if (row && maySee(principal, row)) return row
    throw new Problem('operation_not_found', 'There is no such operation.')
  }

  async list(
    principal: Principal,
    { account_id: accountId, cursor, principal: named, ...query }: ListQuery,
  ): Promise<{ items: Operation[]; next_cursor: string | null }> {
    if (accountId !== undefined && !maySeeAccount(principal, accountId)) throw noAccount()
    if (cursor !== undefined && !/^[0-9a-z]{16}$/.test(cursor)) throw badCursor()
    const visible = visibleAccounts(principal)
    const sight = sightOf(principal)
    const principalId = named === undefined ? undefined : principalIdOf(named)
    if (principalId !== undefined && sight.principalId !== undefined && principalId !== sight.principalId) {
      return { items: [], next_cursor: null }
    }
    const rows = await this.#options.store.list({
      ...query,
      ...sight,
      ...(principalId !== undefined && { principalId }),
      accounts: accountId !== undefined ? [accountId] : visible && [...visible],
      before: cursor,
      limit: query.limit + 1,
    })
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    return { items: page.map(toOperation), next_cursor: last && rows.length > page.length ? last.id : null }
  }

  /** Resolves with the operation once it is settled, or as it is after the timeout or when the caller is gone. */
  async settled(principal: Principal, id: string, boundMs: number, signal: AbortSignal): Promise<OperationWithResults> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.#options.hub.listen('operation_changed', ({ operation_id, state }) => {
      if (operation_id === id && state !== 'pending') resolve()
    })
    const timer = setTimeout(resolve, boundMs)
    const abort = () => resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const row = await this.getRow(principal, id)
      if (row.state === 'pending' && !signal.aborted) await promise
      return await this.get(principal, id)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      stop()
    }
  }

  /** @throws Problem when the principal may not see the account, or it is disabled. */
  async checkAccount(principal: Principal, accountId: string): Promise<void> {
    if (!maySeeAccount(principal, accountId)) throw noAccount()
    const { enabled } = await this.#options.accounts.get(principal, accountId)
    if (!enabled) throw new Problem('account_disabled', 'The account is disabled; an administrator can enable it.')
  }

  async #changeOf(accountId: string, wanted: Wanted, signal: AbortSignal): Promise<RequestedWork> {
    if (wanted.kind === 'delete') return { change: {}, args: {} }
    if (wanted.kind === 'flags') {
      const [add, remove] = [wanted.add ?? [], wanted.remove ?? []].map(flags => [...new Set(flags.map(toWireFlag))])
      const change = { add: add ?? [], remove: remove ?? [] }
      return { change, args: change }
    }
    if (!wanted.to) throw new Error('a move or copy without a target')
    const target = wanted.to
    const find = (folders: readonly Folder[]) => targetFolder(folders, target)
    const known = await this.amongFolders(accountId, signal, find)
    const { path: to, creates } = known.creates ? find(await this.#options.foldersOf(accountId, signal)) : known
    return { change: { to }, args: { to }, ...(creates && { creates }) }
  }

  /** Searches the known folders, then those listed by the mail server now. @throws what `find` throws for these. */
  async amongFolders<T>(accountId: string, signal: AbortSignal, find: (folders: readonly Folder[]) => T): Promise<T> {
    const { knownFolders, foldersOf } = this.#options
    try {
      const known = knownFolders(accountId)
      if (known) return find(known)
    } catch (error) {
      // The folder may have been created, renamed or deleted since.
      if (!(error instanceof Problem)) throw error
    }
    return find(await foldersOf(accountId, signal))
  }
}

/** Fewest messages for which the folder is opened ahead; finding fewer takes no longer than finding the first. */
const manyIds = 100

/** Sentinel for an identity that is still being read. */
const comingIdentity = ''

function recogniseItem(item: ItemRow, recognised: ReadonlyMap<string, Identity>): void {
  if (item.identity !== comingIdentity) return
  const identity = recognised.get(item.message_id ?? '')
  item.identity = identity ? JSON.stringify(identity) : null
}

function noAccount(): Problem {
  return new Problem('account_not_found', 'There is no such account.')
}
