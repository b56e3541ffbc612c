/** What a change does to the rows of a list before the mail server has done it, and its inverse. */
import type { Flag } from '../../contract/mail.ts'
import { isThreadRow, type MailPage, type MailRow } from '../mail/mail-row.ts'
import type { Change } from './mail-actions.ts'

/** System flags; all others are keywords. */
const systemFlags: ReadonlySet<string> = new Set<Flag>(['seen', 'flagged', 'answered', 'draft', 'deleted'])

export type Patch =
  /** The row leaves the list. */
  | { kind: 'gone' }
  /** The message moved to another folder; in lists over several. */
  | { kind: 'moved'; folder: string }
  | { kind: 'flags'; add: readonly string[]; remove: readonly string[]; unread: number }
  /** The row returns to the list. */
  | { kind: 'back'; row: MailRow }

/** The parts of a list that matter here. */
export interface PatchedList {
  /** Cache key of the list; `key` is the same as text. */
  queryKey: readonly string[]
  key: string
  /** Undefined for lists over several folders. */
  folder: string | undefined
}

export interface PatchSet {
  /** The list in which the change was made. Patches of flags show in others, too. */
  list: PatchedList
  /** Patches by row key. */
  patches: ReadonlyMap<string, Patch>
  /** The rows at the time of the change; a thread that has received another message since is not hidden. */
  rows: ReadonlyMap<string, MailRow>
}

export function patchOf(change: Change, row: MailRow, list: PatchedList): Patch | undefined {
  if (change.kind !== 'flags') {
    if (change.kind === 'copy') return undefined
    const isSearch = list.folder === undefined && change.kind === 'move'
    return isSearch ? { kind: 'moved', folder: change.to } : { kind: 'gone' }
  }
  const has = (flag: string) => hasFlag(row, flag)
  const add = change.add.filter(flag => !has(flag))
  const remove = change.remove.filter(has)
  return { kind: 'flags', add, remove, unread: unreadAfter(row, change) }
}

/** Returns the patch that restores the row. */
export function inverseOf(patch: Patch, row: MailRow): Patch {
  if (patch.kind === 'flags') return { kind: 'flags', add: patch.remove, remove: patch.add, unread: row.unread }
  if (patch.kind === 'moved') return { kind: 'moved', folder: row.folder ?? '' }
  return { kind: 'back', row }
}

/** Applies the sets, later ones last; returns the same page if nothing changes. */
export function patched(page: MailPage, list: PatchedList, sets: readonly PatchSet[]): MailPage {
  let next = page
  for (const set of sets) next = patchedBy(next, list, set)
  return next
}

/** Returns whether the server's page still needs the patches to show the change. */
export function isNeeded(page: MailPage, list: PatchedList, set: PatchSet): boolean {
  return patchedBy(page, list, set) !== page
}

function patchedBy(page: MailPage, list: PatchedList, { list: own, patches, rows: before }: PatchSet): MailPage {
  if (patches.size === 0) return page
  const isOwn = list.key === own.key || (list.folder !== undefined && list.folder === own.folder)
  let isChanged = false
  const rows = page.rows.flatMap(row => {
    const patch = patches.get(row.key)
    const next = patch && applied(row, patch, before.get(row.key), isOwn)
    if (next !== row && patch) isChanged = true
    return patch ? (next ?? []) : row
  })
  const back = own.key === list.key ? missing(page.rows, patches) : []
  if (!isChanged && back.length === 0) return page
  const total = page.total === null ? null : Math.max(0, page.total + rows.length + back.length - page.rows.length)
  return { ...page, rows: back.reduce(inserted, rows), total }
}

/** Applies a patch; returns undefined for a row that leaves. */
function applied(row: MailRow, patch: Patch, before: MailRow | undefined, isOwn: boolean): MailRow | undefined {
  if (patch.kind === 'back') return row
  if (patch.kind === 'gone') {
    const isSame = before === undefined || nameOfNewest(before) === nameOfNewest(row)
    return isOwn && isSame ? undefined : row
  }
  if (patch.kind === 'moved') return row.folder === patch.folder ? row : { ...row, folder: patch.folder }
  return withFlags(row, patch)
}

/** Changes flags; returns the same row if they are already set. */
function withFlags(row: MailRow, { add, remove, unread }: Extract<Patch, { kind: 'flags' }>): MailRow {
  const message = withChangedFlags(row.message, add, remove)
  return message === row.message && unread === row.unread ? row : { ...row, message, unread }
}

interface Flagged {
  flags: readonly Flag[]
  keywords: readonly string[]
}

export function withChangedFlags<Message extends Flagged>(
  message: Message,
  add: readonly string[],
  remove: readonly string[],
): Message {
  const has = (flag: string) => isAmong(flag, [...message.flags, ...message.keywords])
  if (add.every(has) && !remove.some(has)) return message
  const change = <Name extends string>(names: readonly Name[], more: readonly Name[]) => [
    ...names.filter(name => !isAmong(name, remove)),
    ...more.filter(name => !isAmong(name, names)),
  ]
  const isFlag = (name: string): name is Flag => systemFlags.has(name)
  return {
    ...message,
    flags: change(message.flags, add.filter(isFlag)),
    keywords: change(
      message.keywords,
      add.filter(name => !isFlag(name)),
    ),
  }
}

export function hasFlag({ message }: MailRow, flag: string): boolean {
  return isAmong(flag, [...message.flags, ...message.keywords])
}

/** Compares keywords case-insensitively (RFC 9051, section 2.3.2). */
function isAmong(name: string, names: readonly string[]): boolean {
  return names.some(each => each.toLowerCase() === name.toLowerCase())
}

function unreadAfter(row: MailRow, { add, remove }: { add: readonly string[]; remove: readonly string[] }): number {
  if (add.includes('seen')) return 0
  if (!remove.includes('seen') || row.unread > 0) return row.unread
  return 1
}

function nameOfNewest({ messageId, message }: MailRow): string {
  return messageId ?? message.ref
}

function missing(rows: readonly MailRow[], patches: ReadonlyMap<string, Patch>): MailRow[] {
  const back = [...patches.values()].flatMap(patch => (patch.kind === 'back' ? [patch.row] : []))
  if (back.length === 0) return []
  const there = new Set(rows.flatMap(identitiesOf))
  return back.filter(row => !identitiesOf(row).some(name => there.has(name)))
}

/**
 * Returns all identities of a row: a message moved away and back has another place and, without an index, another key.
 */
function identitiesOf({ key, accountId, messageId, message: { message_id: header, date } }: MailRow): string[] {
  const names = [key]
  if (messageId !== undefined && !key.startsWith('thread-')) names.push(`${accountId} ${messageId}`)
  if (header !== null && !key.startsWith('thread-')) names.push(`${accountId} ${date} ${header}`)
  return names
}

/** Inserts a row by date, newest first. */
function inserted(rows: readonly MailRow[], row: MailRow): MailRow[] {
  const at = rows.findIndex(other => other.message.date < row.message.date)
  const place = at < 0 ? rows.length : at
  return [...rows.slice(0, place), row, ...rows.slice(place)]
}

/** Returns whether the row is a conversation of several messages. */
export function isConversation(row: MailRow): boolean {
  return isThreadRow(row) && row.count > 1
}
