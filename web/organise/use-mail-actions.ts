/** What keys and buttons do to messages: to those that are selected, else to what is open, else to the row with the focus. */
import { type RefObject, useState } from 'react'
import type { FolderRole } from '../../contract/mail.ts'
import type { MailRow } from '../mail/mail-row.ts'
import { useMay } from '../platform/session.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { type ActionId, type Change, changeOf, meant, type Place } from './mail-actions.ts'
import type { Named } from './named-rows.ts'
import { useOrganiser } from './organiser-context.tsx'
import { hasFlag, type PatchedList } from './row-patches.ts'

/** A list, for what is done from outside of it. */
export interface ListHandle {
  /** Empty where nothing is selected. */
  selected(): readonly MailRow[]
  /** What is open of its rows. */
  opened(): MailRow | undefined
  focused(): MailRow | undefined
  /** These are about to leave: what stands next is opened, or gets the focus. */
  leave(rows: readonly MailRow[]): void
  clear(): void
  selectAll(): void
}

/** Which messages are meant. */
export type From = 'keys' | 'selection' | 'opened'

export interface AskedAction {
  action: 'move' | 'copy' | 'label' | 'delete'
  rows: readonly MailRow[]
}

export interface MailActions {
  /** Undefined for somebody who may change nothing. */
  act: ((action: ActionId, from: From) => boolean) | undefined
  placeOf(rows: readonly MailRow[]): Place
  /** What waits for a choice. */
  asked: AskedAction | undefined
  run(change: Change, rows: readonly MailRow[], action?: ActionId, named?: readonly Named[]): void
  close(): void
}

interface Options {
  handle: RefObject<ListHandle | null>
  /** What is open, whether it stands in the list or not. */
  opened: RefObject<(() => MailRow | undefined) | null>
  list: PatchedList
  role: FolderRole | null
}

export function useMailActions({ handle, opened, list, role }: Options): MailActions {
  const organiser = useOrganiser()
  const mayOrganise = useMay('mail:organize')
  const mayDelete = useMay('mail:delete')
  const [asked, setAsked] = useState<AskedAction>()
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

/** What is so already needs no change. */
function isConcerned(action: ActionId, row: MailRow): boolean {
  if (action === 'read') return row.unread > 0
  if (action === 'unread') return row.unread === 0
  if (action === 'star') return !hasFlag(row, 'flagged')
  if (action === 'unstar') return hasFlag(row, 'flagged')
  return true
}
