/** The folder that a search names. */
import { expect, test } from 'vitest'
import { folderOf, hasTerm, keyedTerms, searchIn, termOf, withoutTerm, withTerm } from './search-terms.ts'

test.each([
  ['tea', undefined],
  ['tea in:sent', 'sent'],
  ['IN:"Fünf & \\"Söhne\\"" tea', 'Fünf & "Söhne"'],
  ['"in:sent" tea', undefined],
  ['5"floppy in:archive 6"disk', 'archive'],
  ['min:5', undefined],
  ['tea (in:sent OR in:drafts)', undefined],
  ['(tea) in:sent', 'sent'],
])('%s names the folder %s', (query, folder) => {
  expect(folderOf(query)).toBe(folder)
})

test('a search looks into the folder that is shown, unless it names one itself', () => {
  expect(searchIn('INBOX', 'tea')).toBe('tea in:"INBOX"')
  expect(searchIn('Archive', 'tea OR milk')).toBe('(tea OR milk) in:"Archive"')
  expect(searchIn('Archive', 'a (in:sent OR in:drafts)')).toBe('a (in:sent OR in:drafts)')
  expect(searchIn('Archive', '"tea OR milk"')).toBe('"tea OR milk" in:"Archive"')
  expect(searchIn('Archive', 'tea')).toBe('tea in:"Archive"')
  expect(searchIn('Archive', 'tea in:sent')).toBe('tea in:sent')
  expect(folderOf(searchIn('a "b" \\c', 'tea'))).toBe('a "b" \\c')
  expect(searchIn('Archive', 'tea "and')).toBe('tea "and')
})

test.each([
  ['', 'is:unread', 'is:unread'],
  ['tea ', 'is:unread', 'tea is:unread'],
  ['tea IS:unread', 'is:unread', 'tea IS:unread'],
  ['tea "and milk', 'is:unread', 'tea "and milk" is:unread'],
  ['tea OR milk', 'is:unread', '(tea OR milk) is:unread'],
  ['(tea OR milk) good', 'is:unread', '(tea OR milk) good is:unread'],
  ['tea OR is:unread', 'is:unread', '(tea OR is:unread) is:unread'],
  ['"this OR that" tea', 'is:unread', '"this OR that" tea is:unread'],
])('%j with the term %s is %j, and without it what it was', (query, term, wanted) => {
  expect(withTerm(query, term)).toBe(wanted)
  expect(hasTerm(wanted, term)).toBe(true)
  expect(hasTerm(withoutTerm(wanted, term), term)).toBe(false)
})

test('a term is taken out where it stands, and only as a whole', () => {
  expect(withoutTerm('tea from:"Anna Stone" is:unread', 'from:"Anna Stone"')).toBe('tea is:unread')
  expect(withoutTerm('tea', 'is:unread')).toBe('tea')
  expect(hasTerm('-is:unread "is:unread" this:unread', 'is:unread')).toBe(false)
  expect(keyedTerms('tea (from:anna OR from:bob) is:read -(is:draft)')).toEqual(['is:read'])
  expect(keyedTerms('from:anna OR from:bob')).toEqual([])
  expect(withoutTerm('tea OR from:bob', 'from:bob')).toBe('tea OR from:bob')
  expect(keyedTerms('tea from:anna -is:read "in:sent" from:anna')).toEqual(['from:anna', '-is:read'])
})

test('a value with blanks or signs stands in quotes, and means itself', () => {
  expect(termOf('from', 'anna@example.org')).toBe('from:anna@example.org')
  expect(termOf('from', 'Anna "A" (x)')).toBe('from:"Anna \\"A\\" (x)"')
  expect(folderOf(termOf('in', 'a "b" \\c'))).toBe('a "b" \\c')
})
