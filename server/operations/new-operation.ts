/** Builds operations and their items as they are first stored. */
import type { OperationKind } from '../../contract/operations.ts'
import type { Principal } from '../platform/principal.ts'
import type { NewOperation } from './accepted-calls.ts'
import type { FolderArguments, FolderKind } from './folder-kinds.ts'
import type { FoundMessage, NotFound } from './named-messages.ts'
import type { Arguments, ItemRow, OperationRow } from './operation-tables.ts'
import { countsOf, stateOf } from './operation-work.ts'

export function newOperation(
  principal: Principal,
  given: {
    id: string
    accountId: string
    kind: OperationKind
    args: Arguments | FolderArguments
    undoOf?: string
  },
): OperationRow {
  return {
    id: given.id,
    account_id: given.accountId,
    principal_kind: principal.kind,
    principal_id: principal.id,
    principal_name: principal.name,
    user_id: principal.userId,
    at: new Date().toISOString(),
    kind: given.kind,
    arguments: JSON.stringify(given.args),
    state: 'pending',
    total: 0,
    done: 0,
    failed: 0,
    gone: 0,
    unknown: 0,
    intent: null,
    error: null,
    settled_at: null,
    undo_of: given.undoOf ?? null,
    undone_by: null,
    proposal_id: null,
    session: principal.workSession ?? null,
  }
}

/** @param change `Change` as JSON, serialized once for all messages. */
export function newItem(
  { id, account_id }: OperationRow,
  position: number,
  change: string,
  message: FoundMessage | NotFound,
): ItemRow {
  const found = 'place' in message ? message : undefined
  const missing = 'place' in message ? undefined : message
  return {
    operation_id: id,
    position,
    account_id,
    message_id: found?.messageId ?? null,
    path: found?.place.path ?? null,
    uid_validity: found?.place.uidValidity ?? null,
    uid: found?.place.uid ?? null,
    change,
    flags: null,
    identity: null,
    changed: null,
    after_path: null,
    after_uid_validity: null,
    after_uid: null,
    undoes: null,
    state: found ? 'waiting' : 'failed',
    code: missing?.code ?? null,
    why: missing?.why ?? null,
  }
}

/** Builds an operation on a folder, which is its only item. */
export function newFolderOperation(
  principal: Principal,
  given: { id: string; accountId: string; kind: FolderKind; args: FolderArguments; undoOf?: string; undoes?: number },
): NewOperation {
  const operation = newOperation(principal, given)
  const { folder, to } = given.args
  const none: NotFound = { code: 'folder_not_found', why: '' }
  const item: ItemRow = {
    ...newItem(operation, 0, JSON.stringify(to === undefined ? {} : { to }), none),
    ...{ path: folder, state: 'waiting', code: null, why: null, undoes: given.undoes ?? null },
  }
  operation.total = 1
  return { operation, items: [item] }
}

/** Sets the counts, and settles the operation if none of its messages was found. */
export function settleIfNothing(operation: OperationRow, items: readonly ItemRow[]): void {
  const counts = countsOf(items)
  const { waiting, ...stored } = counts
  Object.assign(operation, stored)
  if (waiting === 0) Object.assign(operation, { state: stateOf(counts), settled_at: operation.at })
}
