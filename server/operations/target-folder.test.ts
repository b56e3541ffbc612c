/** Which folder a caller means as the target of a move. */
import { expect, test } from 'vitest'
import type { Folder, FolderRole } from '../../contract/mail.ts'
import { targetFolder } from './target-folder.ts'

function folder(path: string, role: FolderRole | null = null): Folder {
  const rest = { namespace: 'personal', delimiter: '/', selectable: true, subscribed: true } as const
  return { path, name: path, role, ...rest } as Folder
}

const folders = [folder('INBOX', 'inbox'), folder('archive'), folder('Archived', 'archive'), folder('Junk')]
const named = (name: string, all: readonly Folder[] = folders) => targetFolder(all, { name }).path

test('the word of a role means the folder that has it, before one that is merely called so', () => {
  expect(named('archive')).toBe('Archived')
  expect(named('inbox')).toBe('INBOX')
  expect(targetFolder(folders, { role: 'archive' }).path).toBe('Archived')
})

test('a path in its own letters means that folder, also where another has the role', () => {
  const both = [...folders, folder('Spam', 'junk')]
  expect([named('Junk', both), named('junk', both), named('Archived')]).toEqual(['Junk', 'Spam', 'Archived'])
  expect(targetFolder(folders, { folder: 'archive' }).path).toBe('archive')
})

test('without a folder that has the role, or with several, the one that is called so is meant', () => {
  expect(named('archive', [folder('archive')])).toBe('archive')
  expect(named('archive', [...folders, folder('Old', 'archive')])).toBe('archive')
})

test('INBOX is the inbox in any case, and only in letters of ASCII', () => {
  expect(targetFolder(folders, { folder: 'inBox' }).path).toBe('INBOX')
  expect(() => targetFolder(folders, { folder: 'ınbox' })).toThrow('no folder')
})
