/** What people type into a search field, and what is made of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '../platform/problem.ts'
import { parseSearchQuery, type SearchTerm } from './search-query.ts'

const parse = (query: string) => parseSearchQuery(query, { inBody: true })
const word = (text: string, isNegated = false): SearchTerm => ({ kind: 'text', text, inBody: true, isNegated })
const plain = { isNegated: false }

function refusal(query: string): string {
  try {
    parse(query)
  } catch (error) {
    if (error instanceof Problem && error.code === 'bad_request') return error.extension.errors?.[0]?.message ?? ''
    throw error
  }
  return 'read'
}

test('words and phrases are looked for as they stand, each by itself', () => {
  expect(parse('  annual report "Grüße aus Köln"  ')).toEqual({
    folder: 'INBOX',
    terms: [word('annual'), word('report'), word('Grüße aus Köln')],
  })
})

test('every key is understood, in any case, with words and with phrases', () => {
  const query =
    'From:anna to:"Bob Stone" subject:plan in:"My Stuff" IS:unread is:flagged after:2026-01-31 before:2026-12-01 larger:5M'
  expect(parse(query)).toEqual({
    folder: 'My Stuff',
    terms: [
      { kind: 'from', text: 'anna', ...plain },
      { kind: 'to', text: 'Bob Stone', ...plain },
      { kind: 'subject', text: 'plan', ...plain },
      { kind: 'flag', flag: 'seen', isSet: false, ...plain },
      { kind: 'flag', flag: 'flagged', isSet: true, ...plain },
      { kind: 'after', day: '2026-01-31', ...plain },
      { kind: 'before', day: '2026-12-01', ...plain },
      { kind: 'larger', bytes: 5_000_000, ...plain },
    ],
  })
  const sizeOf = (value: string) => parse(`larger:${value}`).terms[0]
  expect(['7', '500k', '500K', '1m'].map(sizeOf)).toMatchObject(
    [7, 500_000, 500_000, 1_000_000].map(bytes => ({ bytes })),
  )
  expect(parse('in:archive').terms).toEqual([])
})

test('a minus turns a term around, and by itself it is a word', () => {
  expect(parse('-spam -"two words" -from:bob -is:read tea - milk').terms).toEqual([
    word('spam', true),
    word('two words', true),
    { kind: 'from', text: 'bob', isNegated: true },
    { kind: 'flag', flag: 'seen', isSet: true, isNegated: true },
    word('tea'),
    word('-'),
    word('milk'),
  ])
})

test('quotes inside of words, escaped quotes, numbers with a colon and keys in quotes are only words', () => {
  expect(parse('5"floppy "a \\"b\\" \\\\c" 12:30 "re: plan" e-mail').terms).toEqual(
    ['5"floppy', 'a "b" \\c', '12:30', 're: plan', 'e-mail'].map(text => word(text)),
  )
})

test('operators of other search fields are words in small letters and in quotes', () => {
  const query = 'tea or milk and not "OR" "|" "(a)" from:OR in:"(x|y)"'
  expect(parse(query)).toEqual({
    folder: '(x|y)',
    terms: [
      ...['tea', 'or', 'milk', 'and', 'not', 'OR', '|', '(a)'].map(text => word(text)),
      { kind: 'from', text: 'OR', ...plain },
    ],
  })
  expect(parse('in:(x|y)').folder).toBe('(x|y)')
})

test('anyone who may not read the text of messages does not search it', () => {
  expect(parseSearchQuery('secret', { inBody: false }).terms).toEqual([{ ...word('secret'), inBody: false }])
})

test.each([
  ['   ', 'has no search terms'],
  ['a'.repeat(501), 'longer than 500 characters'],
  ['word '.repeat(21), 'more than 20 terms'],
  ['a\r\nb', 'control characters'],
  ['"a\0b"', 'control characters'],
  ['tea "and milk', 'at character 5: the quote is not closed'],
  ['tea ""', 'at character 5: the quotes are empty'],
  ['subject:', 'at character 1: subject: needs a value'],
  ['tea from:" "', 'at character 5: from: needs a value'],
  [
    'tea colour:red',
    'at character 5: there is no colour: to search by, only from: to: subject: in: is: after: before: larger:',
  ],
  ['Re: plan', 'at character 1: there is no re:'],
  ['constructor:x', 'there is no constructor:'],
  ['tea OR milk', 'at character 5: OR is not supported yet'],
  ['tea -OR', 'at character 5: OR is not supported'],
  ['tea AND milk', 'at character 5: AND is not needed'],
  ['NOT tea', 'at character 1: NOT is written as a minus'],
  ['tea|milk', 'at character 1: | is not supported yet'],
  ['from:anna|bob', 'at character 1: | is not supported yet'],
  ['is:unread from:(anna OR bob)', 'at character 11: grouping with ( ) is not supported'],
  ['-(tea milk)', 'at character 1: grouping with ( ) is not supported'],
  ['tea annual report"', 'at character 12: the quote is not opened'],
  ['\u201cannual report\u201d', 'at character 1: put phrases in straight quotes'],
  ['has:attachment', 'cannot search for attachments'],
  ['is:constructor', 'is: takes unread, read, flagged, answered, draft'],
  ['in:sent in:trash', 'at character 9: a search covers one folder'],
  ['-in:sent', 'cannot be negated'],
  ['in:', 'needs the path or role'],
  ['after:2026-02-30', 'after: takes a day such as 2026-11-22'],
  ['before:1969-12-31', 'takes a day'],
  ['after:yesterday', 'takes a day'],
  ['larger:0', 'larger: takes bytes'],
  ['larger:5G', 'larger: takes bytes'],
  ['larger:9999999999', 'larger: takes bytes'],
])('%j is refused, and the words say why', (query, why) => {
  expect(refusal(query)).toContain(why)
})

test('whatever is typed is read or refused with a reason, and nothing gets past the bounds', () => {
  const pieces = fc.constantFrom(
    'from:',
    'in:',
    '-',
    '"',
    '\\',
    ' ',
    'é',
    '日本',
    ':',
    'is:unread',
    '\r\n',
    '\0',
    '{3}',
  )
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.array(pieces).map(all => all.join('')),
  )
  fc.assert(
    fc.property(typed, query => {
      const why = refusal(query)
      expect(why).not.toBe('')
      if (why !== 'read') return
      const { terms, folder } = parse(query)
      expect(terms.length).toBeLessThanOrEqual(20)
      for (const value of [folder, ...terms.flatMap(term => Object.values(term))])
        expect(String(value)).not.toMatch(/\p{Cc}/u)
    }),
  )
})
