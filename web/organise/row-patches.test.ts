/** How lists show changes that the mail server has not done yet, and how they are reverted. */
import { expect, test } from 'vitest'
import type { MailPage, MailRow } from '../mail/mail-row.ts'
import type { Change } from './mail-actions.ts'
import { inverseOf, type Patch, type PatchedList, patched, patchOf } from './row-patches.ts'

const inbox: PatchedList = { queryKey: ['inbox'], key: 'inbox', folder: 'INBOX' }
const archive: PatchedList = { queryKey: ['archive'], key: 'archive', folder: 'Archive' }
const search: PatchedList = { queryKey: ['found'], key: 'found', folder: undefined }

function row(name: string, minute: number, more: object = {}): MailRow {
  const date = `2026-11-20T08:${String(minute).padStart(2, '0')}:00.000Z`
  const message = { ref: `ref-${name}`, flags: [], keywords: [], message_id: `<${name}>`, date, subject: name, ...more }
  const rest = { threadId: name, opensThread: true, count: 1, unread: 1 }
  return { key: `thread-a-${name}`, accountId: 'a', message, messageId: `id-${name}`, ...rest } as unknown as MailRow
}

const rows = [row('three', 3), row('two', 2), row('one', 1)]
const page: MailPage = { rows, next_cursor: null, total: 3 }
const subjects = ({ rows: shown }: MailPage) => shown.map(({ message }) => message.subject)
const toArchive: Change = { kind: 'move', target: { role: 'archive' }, to: 'the archive' }

/** Builds the patch set that shows this change of these rows. */
const setOf = (change: Change, some: readonly MailRow[], list = inbox) => ({
  list,
  patches: new Map(some.map(each => [each.key, patchOf(change, each, list)!] as const)),
  rows: new Map(some.map(each => [each.key, each])),
})
const undoOf = (set: ReturnType<typeof setOf>) => {
  const back = [...set.rows.values()].map(
    each => [each.key, inverseOf(set.patches.get(each.key)!, each)] as [string, Patch],
  )
  return { list: set.list, patches: new Map(back), rows: new Map() }
}

test('what moves leaves its own list and no other, and comes back to where its date belongs', () => {
  const set = setOf(toArchive, [rows[1]!])
  const shown = patched(page, inbox, [set])
  expect([subjects(shown), shown.total]).toEqual([['three', 'one'], 2])
  expect(patched(page, archive, [set])).toBe(page)
  expect([subjects(patched(shown, inbox, [undoOf(set)])), subjects(patched(page, inbox, [undoOf(set)]))]).toEqual([
    ['three', 'two', 'one'],
    ['three', 'two', 'one'],
  ])
})

test('a conversation that got another message meanwhile is not hidden', () => {
  const set = setOf(toArchive, [rows[0]!])
  const answered = { ...page, rows: [{ ...rows[0]!, messageId: 'id-newer' }, ...rows.slice(1)] }
  expect(patched(answered, inbox, [set])).toBe(answered)
})

test('what came back under another place is not shown twice, in a list without an index too', () => {
  const flat = { ...row('two', 2), key: 'ref-two', messageId: undefined }
  const set = setOf(toArchive, [flat])
  const again = { ...flat, key: 'ref-new', message: { ...flat.message, ref: 'ref-new' } }
  expect(patched({ ...page, rows: [again] }, inbox, [undoOf(set)]).rows).toEqual([again])
  expect(subjects(patched({ ...page, rows: [] }, inbox, [undoOf(set)]))).toEqual(['two'])
})

test('in a search what moves stays, with its new place; what is deleted leaves', () => {
  const found = { ...page, rows: [{ ...rows[0]!, folder: 'INBOX' }] }
  const set = setOf({ kind: 'move', target: { folder: 'Work' }, to: 'Work' }, found.rows, search)
  expect(patched(found, search, [set]).rows.map(({ folder }) => folder)).toEqual(['Work'])
  expect(patched(patched(found, search, [set]), search, [undoOf(set)]).rows).toEqual(found.rows)
  expect(patched(found, search, [setOf({ kind: 'delete' }, found.rows, search)]).rows).toEqual([])
})

test('flags and labels change at once; an undo takes back only what changed', () => {
  const flagged = row('four', 4, { flags: ['flagged'], keywords: ['Work'] })
  const start = { ...page, rows: [flagged] }
  const set = setOf({ kind: 'flags', add: ['flagged', 'seen', 'work', 'later'], remove: [] }, [flagged])
  const shown = patched(start, inbox, [set])
  expect(shown.rows[0]).toMatchObject({
    unread: 0,
    message: { flags: ['flagged', 'seen'], keywords: ['Work', 'later'] },
  })
  expect(patched(shown, inbox, [undoOf(set)]).rows).toEqual([flagged])
  // Once the server shows the same, nothing is left to patch.
  expect(patched(shown, inbox, [set])).toBe(shown)
})

test('of two changes the later one counts, whichever the server tells of first', () => {
  const star = setOf({ kind: 'flags', add: ['flagged'], remove: [] }, [rows[2]!])
  const starred = patched(page, inbox, [star])
  const unstar = setOf({ kind: 'flags', add: [], remove: ['flagged'] }, [starred.rows[2]!])
  expect(patched(page, inbox, [star, unstar]).rows[2]!.message.flags).toEqual([])
  expect(patched(starred, inbox, [star, unstar]).rows[2]!.message.flags).toEqual([])
})
