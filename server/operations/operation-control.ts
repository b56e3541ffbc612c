/** Control of operations by other modules: whether one may be accepted, and which are held. */
import type { CreatedRole } from '../../contract/folder-actions.ts'
import type { OperationKind } from '../../contract/operations.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import type { FoundMessage } from './named-messages.ts'
import type { Change, OperationRow } from './operation-tables.ts'

/** A requested operation, before it is accepted. */
export interface RequestedChange {
  kind: OperationKind
  /** Id of the operation that it undoes. */
  undoOf: string | undefined
  /** Set for an operation on a folder. */
  folder?: {
    path: string
    to: string | undefined
    /** The role of a folder that is created. */
    role?: CreatedRole | undefined
    /** Whether the folder's messages are deleted with it. */
    isEmptied?: boolean | undefined
    /** Number of messages that are deleted with it. */
    messages?: number | undefined
    /** Paths of subfolders that a rename moves along. */
    inside?: readonly string[] | undefined
  }
  /** The messages that were found, each with its change. */
  messages: readonly (FoundMessage & { change: Change })[]
}

/**
 * Repeats the check in the accepting transaction.
 * @throws Problem when a stop or a narrowed policy now forbids the change.
 */
export type StillMay = (transaction: Database) => Promise<void>

/**
 * @throws Problem when the change is forbidden; nothing of the call is accepted then.
 * @returns Undefined when that cannot change.
 */
export type MayChange = (
  principal: Principal,
  accountId: string,
  asked: RequestedChange,
) => Promise<StillMay | undefined>

export type HeldOperation = Pick<
  OperationRow,
  'id' | 'account_id' | 'principal_kind' | 'principal_id' | 'user_id' | 'undo_of'
>

/**
 * Whether nothing of the operation may be sent to a mail server now. Later operations that are not held overtake it.
 */
export type IsHeld = (operation: HeldOperation) => boolean | Promise<boolean>

export const mayChangeAll: MayChange = async () => undefined
export const isNeverHeld: IsHeld = () => false
