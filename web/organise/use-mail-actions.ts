/** Runs actions by keys and buttons: on the selected messages, else the open one, else the focused row. */
import { type RefObject, useState } from 'react'
import type { FolderRole } from '../../contract/mail.ts'
import type { MailRow } from '../mail/mail-row.ts'
import { useMay } from '../platform/session.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { type ActionId, type Change, changeOf, meant, type Place } from './mail-actions.ts'
import type { Named } from './named-rows.ts'
import { useOrganiser } from './organiser-context.tsx'
import { hasFlag, type PatchedList } from './row-patches.ts'

/** The interface of a list for actions outside it. */
export interface ListHandle {
  /** Returns the selected rows; empty if there are none. */
  selected(): readonly MailRow[]
  /** Returns its open row. */
  opened(): MailRow | undefined
  focused(): MailRow | undefined
  /** Called before rows leave the list; the next row is opened or focused. */
  leave(rows: readonly MailRow[]): void
  clear(): void
  selectAll(): void
}

/** Which messages an action applies to. */
export type From = 'keys' | 'selection' | 'opened'

export interface RequestedAction {
  action: 'move' | 'copy' | 'label' | 'delete'
  rows: readonly MailRow[]
}

export interface MailActions {
  /** Runs an action; undefined for users who may not change mail. */
  act: ((action: ActionId, from: From) => boolean) | undefined
  placeOf(rows: readonly MailRow[]): Place
  /** The action that waits for a choice in its dialog. */
  asked: RequestedAction | undefined
  run(change: Change, rows: readonly MailRow[], action?: ActionId, named?: readonly Named[]): void
  close(): void
}

interface Options {
  handle: RefObject<ListHandle | null>
  /** Returns the open row, whether or not its list contains it. */
  opened: RefObject<(() => MailRow | undefined) | null>
  list: PatchedList
  role: FolderRole | null
}

export function useMailActions({ handle, opened, list, role }: Options): MailActions {
  const organiser = useOrganiser()
  const mayOrganise = useMay('mail:organize')
  const mayDelete = useMay('mail:delete')
  const [asked, setAsked] = useState<RequestedAction>()
  const placeOf = (rows: readonly MailRow[]): Place => ({
    role,
    isOneAccount: new Set(rows.map(({ accountId }) => accountId)).size < 2,
    mayDelete,
  })
  const rowsOf = (from: From): readonly MailRow[] => {
    const selected = from === 'opened' ? [] : (handle.current?.selected() ?? [])
    if (selected.length > 0) return selected
    const open = handle.current?.opened() ?? opened.current?.()
    const row = open ?? (from === 'keys' ? handle.current?.focused() : undefined)
    return row ? [row] : []
  }
  const run: MailActions['run'] = (change, rows, action, named) => {
    const isLeaving = change.kind === 'delete' || (change.kind === 'move' && list.folder !== undefined)
    if (isLeaving) handle.current?.leave(rows)
    if (isLeaving || rows.length > 1) handle.current?.clear()
    organiser.run({ change, action, rows, list, ...(named && { named }) })
  }
  const act = (wanted: ActionId, from: From): boolean => {
    const rows = rowsOf(from)
    const action = meant(wanted, placeOf(rows))
    if (action === undefined || rows.length === 0) return false
    if (action === 'move' || action === 'copy' || action === 'label' || action === 'delete') {
      setAsked({ action, rows })
      return true
    }
    const change = changeOf(action)
    const concerned = rows.filter(row => isConcerned(action, row))
    if (!change || concerned.length === 0) return false
    run(change, concerned, action)
    return true
  }
  const byKey = (action: ActionId) => () => mayOrganise && act(action, 'keys')
  usePageKeys({
    e: byKey('archive'),
    '#': byKey('trash'),
    Delete: byKey('trash'),
    '!': byKey('junk'),
    I: byKey('read'),
    U: byKey('unread'),
    s: () => mayOrganise && (act('star', 'keys') || act('unstar', 'keys')),
    l: byKey('label'),
    v: byKey('move'),
    z: () => mayOrganise && organiser.undoLast(),
  })
  return { act: mayOrganise ? act : undefined, placeOf, asked, run, close: () => setAsked(undefined) }
}

/** Returns whether the action would change the row. */
function isConcerned(action: ActionId, row: MailRow): boolean {
  if (action === 'read') return row.unread > 0
  if (action === 'unread') return row.unread === 0
  if (action === 'star') return !hasFlag(row, 'flagged')
  if (action === 'unstar') return hasFlag(row, 'flagged')
  return true
}
