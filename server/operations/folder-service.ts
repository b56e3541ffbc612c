/** Accepts changes to folders as operations, queued behind the account's pending ones. */
import type { CreatedRole } from '../../contract/folder-actions.ts'
import type { Folder } from '../../contract/mail.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { type AcceptedCalls, keyedCall } from './accepted-calls.ts'
import {
  checkNewPath,
  checkOwn,
  childrenOf,
  delimiterOf,
  exists,
  type FolderArguments,
  type FolderKind,
  findFolder,
} from './folder-kinds.ts'
import { newFolderOperation } from './new-operation.ts'
import { type MayChange, mayChangeAll } from './operation-control.ts'
import type { OperationIds } from './operation-id.ts'
import type { OperationService } from './operation-service.ts'
import { toResults } from './operation-view.ts'

export interface FolderServiceOptions {
  calls: AcceptedCalls
  ids: OperationIds
  refs: Pick<MessageRefs, 'encode' | 'canName'>
  operations: Pick<OperationService, 'checkAccount' | 'get' | 'amongFolders'>
  mayChange?: MayChange
  /** Returns all folders of the account, as the mail server lists them now. */
  foldersOf(accountId: string, signal: AbortSignal): Promise<readonly Folder[]>
  /** Counts the messages in a folder on the mail server now. */
  countMessages(accountId: string, path: string, signal: AbortSignal): Promise<number>
}

export type WantedOfFolder =
  | { kind: 'create_folder'; folder: string; role?: CreatedRole | undefined }
  | { kind: 'rename_folder'; folder: string; to: string }
  | { kind: 'delete_folder'; folder: string; isEmptied: boolean }
  | { kind: 'subscribe_folder' | 'unsubscribe_folder'; folder: string }

export class FolderService {
  readonly #options: FolderServiceOptions

  constructor(options: FolderServiceOptions) {
    this.#options = options
  }

  /** @param key The idempotency key of the call. @throws Problem when the change is not accepted. */
  async accept(
    principal: Principal,
    accountId: string,
    wanted: WantedOfFolder,
    signal: AbortSignal,
    key?: string,
  ): Promise<OperationWithResults> {
    const { calls, ids, refs, operations, mayChange = mayChangeAll } = this.#options
    await operations.checkAccount(principal, accountId)
    const isEmptied = wanted.kind === 'delete_folder' && wanted.isEmptied
    if (isEmptied && !principal.scopes.has('mail:delete')) {
      const detail = 'Deleting the messages of a folder with it requires the scope mail:delete.'
      throw new Problem('forbidden', detail, { missing_scope: 'mail:delete' })
    }
    const call = keyedCall(principal, key, [accountId, wanted])
    const before = await calls.repeated(call)
    if (before !== undefined) return operations.get(principal, before)
    const check = (folders: readonly Folder[]) => {
      checkWanted(wanted, folders)
      return delimiterOf(folders)
    }
    const delimiter = await operations.amongFolders(accountId, signal, check)
    const args = argumentsOf(wanted, delimiter)
    const reach = principal.kind === 'session' ? {} : await this.#reachOf(accountId, wanted, signal)
    const asked = { path: args.folder, to: args.to, role: args.role, isEmptied, ...reach }
    const change = { kind: wanted.kind, undoOf: undefined, messages: [], folder: asked }
    const still = await mayChange(principal, accountId, change)
    const given = { id: ids.next(), accountId, kind: wanted.kind as FolderKind, args }
    const added = newFolderOperation(principal, given)
    const repeated = await calls.take(call, [added], () => added.operation.id, { still: [still] })
    if (repeated !== undefined) return operations.get(principal, repeated)
    return toResults(added.operation, added.items, refs)
  }

  /** Finds what else a folder change affects, since a program's policy covers subfolders and messages, too. */
  async #reachOf(accountId: string, wanted: WantedOfFolder, signal: AbortSignal) {
    const { foldersOf, countMessages } = this.#options
    if (wanted.kind === 'rename_folder') {
      const folders = await foldersOf(accountId, signal)
      return { inside: childrenOf(wanted.folder, folders).map(({ path }) => path) }
    }
    if (wanted.kind !== 'delete_folder' || !wanted.isEmptied) return {}
    const folders = await foldersOf(accountId, signal)
    const isSelectable = folders.find(({ path }) => path === wanted.folder)?.selectable
    return { messages: isSelectable ? await countMessages(accountId, wanted.folder, signal) : 0 }
  }
}

function checkWanted(wanted: WantedOfFolder, folders: readonly Folder[]): void {
  const { kind, folder } = wanted
  const refuseKnown = (path: string) => {
    checkNewPath(path, folders)
    if (folders.some(each => each.path === path)) throw exists(path)
  }
  if (kind === 'create_folder') return refuseKnown(folder)
  if (kind !== 'rename_folder') {
    if (kind !== 'delete_folder') return void findFolder(folder, folders)
    checkOwn(folder, folders)
    if (childrenOf(folder, folders).length === 0) return
    throw new Problem('folder_not_empty', 'It holds other folders: delete or rename those first.')
  }
  checkOwn(folder, folders)
  refuseKnown(wanted.to)
  if (!wanted.to.startsWith(`${folder}${delimiterOf(folders) ?? '/'}`)) return
  throw badInput('body.path', 'must not be in the folder itself')
}

function argumentsOf(wanted: WantedOfFolder, delimiter: string | null): FolderArguments {
  const { folder } = wanted
  if (wanted.kind === 'rename_folder') return { folder, to: wanted.to, delimiter }
  if (wanted.kind === 'create_folder' && wanted.role) return { folder, role: wanted.role }
  if (wanted.kind === 'delete_folder' && wanted.isEmptied) return { folder, isEmptied: true }
  return { folder }
}
