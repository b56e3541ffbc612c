/** The meaning of a key in each folder, the text after a change, and which labels are valid. */
import { expect, test } from 'vitest'
import { knownLabels, labelFrom } from './label-words.ts'
import { changeOf, doneWords, meant } from './mail-actions.ts'

const place = { role: 'inbox' as const, isOneAccount: true, mayDelete: false }

test('trash in the trash deletes for those who may, and junk in the junk folder is none', () => {
  expect(meant('trash', place)).toBe('trash')
  expect(meant('trash', { ...place, role: 'trash' })).toBeUndefined()
  expect(meant('trash', { ...place, role: 'trash', mayDelete: true })).toBe('delete')
  expect(meant('delete', place)).toBeUndefined()
  expect(meant('junk', { ...place, role: 'junk' })).toBe('not_junk')
  expect(meant('archive', { ...place, role: 'archive' })).toBeUndefined()
  expect(['move', 'copy', 'archive'].map(each => meant(each as 'move', { ...place, isOneAccount: false }))).toEqual([
    undefined,
    undefined,
    'archive',
  ])
})

test('each action that asks nothing says what it did', () => {
  const words = (['archive', 'trash', 'junk', 'not_junk', 'read', 'unread', 'star', 'unstar'] as const).map(action =>
    doneWords(changeOf(action)!, action, '2 messages'),
  )
  expect(words).toEqual([
    '2 messages archived',
    '2 messages moved to the trash',
    '2 messages reported as junk',
    '2 messages moved to the inbox, as not junk',
    '2 messages marked as read',
    '2 messages marked as unread',
    '2 messages starred',
    '2 messages no longer starred',
  ])
  expect(doneWords({ kind: 'copy', target: { folder: 'Work' }, to: 'Work' }, undefined, '1 message')).toBe(
    '1 message copied to Work',
  )
})

test('a label is what a mail server takes as a keyword, and no flag and no mark of programs', () => {
  expect(labelFrom(' Very urgent ')).toBe('Very-urgent')
  expect(['a(b)', 'Grün', 'a"b', 'Deleted', '$Junk', '\\Seen', '', 'x'.repeat(101)].map(labelFrom)).toEqual(
    Array.from({ length: 8 }, () => undefined),
  )
  expect(knownLabels(['Invoices', 'invoices', '$NotJunk', '$MDNSent'])).toEqual([
    '$label1',
    '$label2',
    '$label3',
    '$label4',
    '$label5',
    'invoices',
  ])
})
