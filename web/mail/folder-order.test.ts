/** The order of the folders. */
import { expect, test } from 'vitest'
import type { Folder, FolderRole } from '../../contract/mail.ts'
import { arrangeFolders, isSameFolder, shortNumber } from './folder-order.ts'

function folder(path: string, role: FolderRole | null = null): Folder {
  const name = path.split('/').at(-1) ?? path
  return {
    path,
    name,
    namespace: 'personal',
    delimiter: '/',
    role,
    selectable: true,
    subscribed: true,
    total: 0,
    unread: 0,
  }
}

test("folders of others come after one's own, under a heading that says whose they are", () => {
  const shared = { ...folder('Aunts/Plans'), namespace: 'shared' as const }
  const other = { ...folder('user/bob'), namespace: 'other_users' as const }
  const lines = arrangeFolders([shared, other, folder('Zoo'), { ...shared, path: 'Aunts' }])
  expect(lines.map(line => [line.folder.path, line.depth, line.heading])).toEqual([
    ['Zoo', 0, undefined],
    ['user/bob', 0, "Other people's folders"],
    ['Aunts', 0, 'Shared folders'],
    ['Aunts/Plans', 1, undefined],
  ])
})

test('folders with a role come first, in the order in which they are used', () => {
  const folders = [folder('Aunts'), folder('Trash', 'trash'), folder('Sent', 'sent'), folder('INBOX', 'inbox')]
  expect(arrangeFolders(folders).map(line => line.folder.path)).toEqual(['INBOX', 'Sent', 'Trash', 'Aunts'])
})

test('what lies in a folder follows it, one step in, and before its neighbour', () => {
  const folders = [folder('Work-old'), folder('Work/B 10'), folder('Work'), folder('Work/B 9/deep'), folder('Work/B 9')]
  expect(arrangeFolders(folders).map(line => [line.folder.path, line.depth])).toEqual([
    ['Work', 0],
    ['Work/B 9', 1],
    ['Work/B 9/deep', 2],
    ['Work/B 10', 1],
    ['Work-old', 0],
  ])
})

test('a folder is not moved in under one that is not in the list, or that stands above with its role', () => {
  const folders = [folder('INBOX', 'inbox'), folder('INBOX/Bills'), folder('Gone/Child')]
  expect(arrangeFolders(folders).map(line => [line.folder.path, line.depth])).toEqual([
    ['INBOX', 0],
    ['Gone/Child', 0],
    ['INBOX/Bills', 0],
  ])
})

test('INBOX is the same folder in any case, and no other is', () => {
  expect(isSameFolder('Inbox', 'INBOX')).toBe(true)
  expect(isSameFolder('sent', 'Sent')).toBe(false)
  expect(isSameFolder('ınbox', 'INBOX')).toBe(false)
})

test('large numbers leave room for names, and say no more than there is', () => {
  const shown = [0, 9_999, 10_000, 12_399, 99_999, 100_000, 123_999, 999_999, 1_000_000, 1_290_000, 123_456_789]
  const words = '0 9,999 10k 12.3k 99.9k 100k 123k 999k 1M 1.2M 123M'
  expect(shown.map(shortNumber).join(' ')).toBe(words)
})
