/** When a round has nothing to do: only what was compared without a change, and is the same again, needs no index. */
import { expect, test } from 'vitest'
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import { KnownStandings } from './known-standings.ts'

function standing(path: string, modseq: bigint | undefined, more: object = {}): FolderStanding {
  const status = { uidValidity: 1, uidNext: 5, total: 4, modseq, ...more }
  return { path, role: null, isSelectable: true, status }
}

const folders = [standing('INBOX', 7n), standing('Sent', 3n)]

/** Compared twice, the second time without a change. */
function settled(standings = folders): KnownStandings {
  const known = new KnownStandings()
  known.roundOver(standings)
  known.roundOver(standings)
  return known
}

test('two rounds that changed nothing settle it: the first may have left what the second removes', () => {
  const known = new KnownStandings()
  expect(known.isUnchanged(folders, true)).toBe(false)
  known.roundOver(folders)
  expect(known.isUnchanged(folders, true)).toBe(false)
  known.roundOver(folders)
  expect(known.isUnchanged(folders, true)).toBe(true)
})

test.each<[string, FolderStanding[]]>([
  ['another UIDVALIDITY', [standing('INBOX', 7n, { uidValidity: 2 }), folders[1]!]],
  ['a new message', [standing('INBOX', 7n, { uidNext: 6 }), folders[1]!]],
  ['one message less', [standing('INBOX', 7n, { total: 3 }), folders[1]!]],
  ['a changed flag', [standing('INBOX', 8n), folders[1]!]],
  ['a folder more', [...folders, standing('Archive', 1n)]],
  ['a folder less', [folders[0]!]],
  ['another role', [{ ...folders[0]!, role: 'archive' }, folders[1]!]],
  ['a folder that cannot be read', [{ ...folders[0]!, status: undefined }, folders[1]!]],
])('%s is a change', (_what, changed) => {
  const known = settled()
  expect(known.isUnchanged(changed, false)).toBe(false)
  // It has to be compared without a change again.
  known.roundOver(changed)
  expect(known.isUnchanged(changed, false)).toBe(false)
})

test('whatever is written to the index asks for two more rounds', () => {
  const known = settled()
  known.touch()
  expect(known.isUnchanged(folders, false)).toBe(false)
  known.roundOver(folders)
  expect(known.isUnchanged(folders, false)).toBe(false)
  known.roundOver(folders)
  expect(known.isUnchanged(folders, false)).toBe(true)
})

test('where a server counts no changes, its figures do not tell of flags', () => {
  const uncounted = [standing('INBOX', undefined), folders[1]!]
  const known = settled(uncounted)
  expect(known.isUnchanged(uncounted, true)).toBe(false)
  expect(known.isUnchanged(uncounted, false)).toBe(true)
  known.confirm(uncounted, 1_000)
  expect([known.asOf('INBOX'), known.asOf('Sent')]).toEqual([undefined, 1_000])
})

test('a folder that is gone is not known any longer, and nothing is after it was forgotten', () => {
  const known = settled()
  known.compared('Sent', 5)
  known.compared('INBOX', 6)
  known.list([folders[0]!])
  expect([known.asOf('INBOX'), known.asOf('Sent')]).toEqual([6, undefined])
  known.forget()
  expect(known.asOf('INBOX')).toBeUndefined()
  expect(known.isUnchanged(folders, false)).toBe(false)
})

test('a change of folders ends their list until one that was asked for after it; what is subscribed to is no figure', () => {
  const listed = (subscribed: boolean) =>
    folders.map((each): FolderStanding => {
      const { path, role } = each
      const listing = { path, name: path, namespace: 'personal' as const, delimiter: '/', role, selectable: true }
      return { ...each, listing: { ...listing, subscribed, total: null, unread: null } }
    })
  const known = settled()
  const subscribed = () => known.listing?.map(folder => folder.subscribed)
  known.list(listed(false))
  expect(subscribed()).toEqual([false, false])
  expect(known.isUnchanged(listed(true), false)).toBe(true)
  known.confirm(listed(true), 1_000)
  expect(subscribed()).toEqual([true, true])
  known.ask()
  known.unlist()
  expect(subscribed()).toBeUndefined()
  // Requested earlier.
  known.list(listed(true))
  expect(subscribed()).toBeUndefined()
  known.ask()
  known.list(listed(false))
  expect(subscribed()).toEqual([false, false])
})
