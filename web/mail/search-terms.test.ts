/** The folder that a search looks into. */
import { expect, test } from 'vitest'
import { folderOf, searchIn } from './search-terms.ts'

test.each([
  ['tea', undefined],
  ['tea in:sent', 'sent'],
  ['IN:"Fünf & \\"Söhne\\"" tea', 'Fünf & "Söhne"'],
  ['"in:sent" tea', undefined],
  ['5"floppy in:archive 6"disk', 'archive'],
  ['min:5', undefined],
])('%s names the folder %s', (query, folder) => {
  expect(folderOf(query)).toBe(folder)
})

test('a search looks into the folder that is shown, unless it names one itself', () => {
  expect(searchIn('INBOX', 'tea')).toBe('tea in:"INBOX"')
  expect(searchIn('Archive', 'tea OR milk')).toBe('tea OR milk')
  expect(searchIn('Archive', 'tea')).toBe('tea in:"Archive"')
  expect(searchIn('Archive', 'tea in:sent')).toBe('tea in:sent')
  expect(folderOf(searchIn('a "b" \\c', 'tea'))).toBe('a "b" \\c')
  expect(searchIn('Archive', 'tea "and')).toBe('tea "and')
})
