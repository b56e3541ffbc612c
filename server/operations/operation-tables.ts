/** Kysely types of the operation tables, and of the JSON stored in them. */
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
  /** Ids increase with time. */
  id: string
  account_id: string
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  user_id: string | null
  at: string
  kind: OperationKind
  /** `Arguments` as requested, as JSON. */
  arguments: string
  state: OperationState
  total: number
  done: number
  failed: number
  gone: number
  unknown: number
  /** `Intent` of the current step, as JSON. */
  intent: string | null
  /** Why the operation waits for a retry. */
  error: string | null
  settled_at: string | null
  undo_of: string | null
  undone_by: string | null
  proposal_id: string | null
  /** The caller's name for its work session. */
  session: string | null
}

export interface ItemRow {
  operation_id: string
  /** Index of the message in the order in which the caller named them. */
  position: number
  account_id: string
  message_id: string | null
  /** Null for a message that was not found. */
  path: string | null
  uid_validity: number | null
  uid: number | null
  /** `Change` as JSON; messages with the same folder and change share one command. */
  change: string
  /** Which of the flags to change the message had when its turn came, in IMAP form, as JSON. */
  flags: string | null
  /** `Identity` as JSON. */
  identity: string | null
  /** The effective `FlagChange` as JSON, without flags that already were as wanted. */
  changed: string | null
  after_path: string | null
  after_uid_validity: number | null
  after_uid: number | null
  /** Position of the item in the undone operation that this one reverts. */
  undoes: number | null
  state: ItemState
  code: string | null
  why: string | null
}

export interface KeyRow {
  principal_id: string
  key: string
  /** Hash of the call and its arguments. */
  digest: string
  at: string
  /** The id of the operation, or the report of an undo as JSON. */
  answer: string
}

export interface Arguments {
  add?: readonly string[]
  remove?: readonly string[]
  to?: string
}

/** A change of flags, in IMAP form. */
export interface FlagChange {
  add: readonly string[]
  remove: readonly string[]
}

/** Either a change of flags or a target folder; neither for a deletion. */
export interface Change extends Partial<FlagChange> {
  to?: string
}

/** Properties by which a message is recognised in another folder. */
export interface Identity {
  messageId: string | null
  sizeBytes: number
  date: string
}

/** State of the target folder before messages are moved or copied there; UIDs from `uidNext` on arrived later. */
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

/** An item whose message was found. */
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

/** Returns the new place of the message or its copy; undefined when that is not known. */
export function placeAfter({ after_path: path, after_uid_validity, after_uid }: ItemRow): Place | undefined {
  if (path === null || after_uid_validity === null || after_uid === null) return undefined
  return { path, uidValidity: after_uid_validity, uid: after_uid }
}

export const isSettled = ({ state }: ItemRow): boolean => state !== 'waiting' && state !== 'sent'
