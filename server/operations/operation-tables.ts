/** The tables of operations, as Kysely sees them, and what is kept in them as JSON. */
import type { ItemState, OperationKind, OperationState } from '../../contract/operations.ts'
import type { Principal } from '../platform/principal.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    operations: OperationRow
    operation_items: ItemRow
    operation_keys: KeyRow
  }
}

export interface OperationRow {
  /** Later ones are greater. */
  id: string
  account_id: string
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  user_id: string | null
  at: string
  kind: OperationKind
  /** `Arguments`, as they were asked for. */
  arguments: string
  state: OperationState
  total: number
  done: number
  failed: number
  gone: number
  unknown: number
  /** `Intent` of the step under way. */
  intent: string | null
  /** Why it waits for another try. */
  error: string | null
  settled_at: string | null
  undo_of: string | null
  undone_by: string | null
  proposal_id: string | null
  /** What its caller called its run. */
  session: string | null
}

export interface ItemRow {
  operation_id: string
  /** In the order in which they were named. */
  position: number
  account_id: string
  message_id: string | null
  /** Null for a message that was not found. */
  path: string | null
  uid_validity: number | null
  uid: number | null
  /** `Change`: messages of one folder and change are done with one command. */
  change: string
  /** Of those that are to be changed, which it had when its turn came, as the mail server writes them. */
  flags: string | null
  /** `Identity` */
  identity: string | null
  /** `FlagChange` that was really made: flags that were there already are not in it. */
  changed: string | null
  after_path: string | null
  after_uid_validity: number | null
  after_uid: number | null
  /** Position in the operation that is undone. */
  undoes: number | null
  state: ItemState
  code: string | null
  why: string | null
}

export interface KeyRow {
  principal_id: string
  key: string
  /** Of the call: what was asked for, and with what. */
  digest: string
  at: string
  /** JSON: ids of operations, for a single call; the report, for an undo. */
  answer: string
}

export interface Arguments {
  add?: readonly string[]
  remove?: readonly string[]
  to?: string
}

/** Flags as the mail server writes them. */
export interface FlagChange {
  add: readonly string[]
  remove: readonly string[]
}

/** One of both; neither for a deletion. */
export interface Change extends Partial<FlagChange> {
  to?: string
}

/** By which a message is recognised in another folder. */
export interface Identity {
  messageId: string | null
  sizeBytes: number
  date: string
}

/** How the target folder stood before messages were moved or copied there: what it holds from `uidNext` on came later. */
export interface Intent {
  to: string
  uidValidity: number
  uidNext: number
}

export interface Place {
  path: string
  uidValidity: number
  uid: number
}

/** One that was found. */
export type PlacedItem = ItemRow & { path: string; uid_validity: number; uid: number }

export function isPlaced(item: ItemRow): item is PlacedItem {
  return item.path !== null && item.uid_validity !== null && item.uid !== null
}

export function placeKey({ path, uidValidity, uid }: Place): string {
  return `${uidValidity}:${uid}:${path}`
}

export function placeOf({ path, uid_validity: uidValidity, uid }: PlacedItem): Place {
  return { path, uidValidity, uid }
}

/** Where the message, or its copy, is since; undefined where that is not known. */
export function placeAfter({ after_path: path, after_uid_validity, after_uid }: ItemRow): Place | undefined {
  if (path === null || after_uid_validity === null || after_uid === null) return undefined
  return { path, uidValidity: after_uid_validity, uid: after_uid }
}

export const isSettled = ({ state }: ItemRow): boolean => state !== 'waiting' && state !== 'sent'
