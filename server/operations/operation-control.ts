/** What rules over operations: whether one may be taken in, and which wait because they are held. */
import type { CreatedRole } from '../../contract/folder-actions.ts'
import type { OperationKind } from '../../contract/operations.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import type { FoundMessage } from './named-messages.ts'
import type { Change, OperationRow } from './operation-tables.ts'

/** An operation that somebody asks for, before it is taken in. */
export interface AskedChange {
  kind: OperationKind
  /** The operation that it undoes. */
  undoOf: string | undefined
  /** Of a change of a folder. */
  folder?: {
    path: string
    to: string | undefined
    /** What one that is created is for. */
    role?: CreatedRole | undefined
    /** Its messages are deleted with it. */
    isEmptied?: boolean | undefined
    /** How many those are; 0 where none are deleted. */
    messages?: number | undefined
    /** Paths of folders that a rename takes along. */
    inside?: readonly string[] | undefined
  }
  /** Each message that was found with what is to be done to it. */
  messages: readonly (FoundMessage & { change: Change })[]
}

/** Asked again in the transaction that takes it in: another process may have stopped it, or narrowed a policy, meanwhile. @throws Problem then. */
export type StillMay = (transaction: Database) => Promise<void>

/** @throws Problem where it may not be. Nothing of the call is taken in then. @returns Undefined where that cannot change. */
export type MayChange = (principal: Principal, accountId: string, asked: AskedChange) => Promise<StillMay | undefined>

export type HeldOperation = Pick<
  OperationRow,
  'id' | 'account_id' | 'principal_kind' | 'principal_id' | 'user_id' | 'undo_of'
>

/** Whether nothing of the operation may be told to a mail server now. Later operations of the account that are not held pass it. */
export type IsHeld = (operation: HeldOperation) => boolean | Promise<boolean>

export const mayChangeAll: MayChange = async () => undefined
export const isNeverHeld: IsHeld = () => false
