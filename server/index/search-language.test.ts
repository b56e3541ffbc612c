/** What people type into a search field, and what is made of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../test/support/any-text.ts'
import { Problem } from '../platform/problem.ts'
import { parseSearch } from './search-language.ts'
import type { SearchNode } from './search-tree.ts'

const parse = (query: string) => parseSearch(query, { inBody: true })
const word = (text: string, isPrefix = false): SearchNode => ({ kind: 'text', text, isPrefix, inBody: true })
const not = (node: SearchNode): SearchNode => ({ kind: 'not', node })
const and = (...nodes: SearchNode[]): SearchNode => ({ kind: 'and', nodes })
const or = (...nodes: SearchNode[]): SearchNode => ({ kind: 'or', nodes })
const folder = (path: string): SearchNode => ({ kind: 'folder', folder: path })

function refusal(query: string, options = { inBody: true }): string {
  try {
    parseSearch(query, options)
  } catch (error) {
    if (error instanceof Problem && error.code === 'bad_request') return error.extension.errors?.[0]?.message ?? ''
    throw error
  }
  return 'read'
}

test('words, phrases and every key are read, in any case', () => {
  const exact = { isPrefix: false }
  expect(parse('tea "Grüße aus \\"Köln\\""')).toEqual(and(word('tea'), word('Grüße aus "Köln"')))
  expect(
    parse(
      'From:anna to:"Bob Stone" cc:c bcc:d subject:plan filename:pdf in:"My Stuff" IS:unread is:flagged has:attachment HAS:Link ' +
        'label:Work thread:T123 after:2026-01-31 before:2026-12-01 larger:5M smaller:500k',
    ),
  ).toEqual(
    and(
      { kind: 'from', text: 'anna', ...exact },
      { kind: 'to', text: 'Bob Stone', ...exact },
      { kind: 'cc', text: 'c', ...exact },
      { kind: 'bcc', text: 'd', ...exact },
      { kind: 'subject', text: 'plan', ...exact },
      { kind: 'filename', text: 'pdf', ...exact },
      folder('My Stuff'),
      { kind: 'flag', flag: 'seen', isSet: false },
      { kind: 'flag', flag: 'flagged', isSet: true },
      { kind: 'has', what: 'attachment' },
      { kind: 'has', what: 'link' },
      { kind: 'label', label: 'Work' },
      { kind: 'thread', id: 'T123' },
      { kind: 'after', day: '2026-01-31' },
      { kind: 'before', day: '2026-12-01' },
      { kind: 'larger', bytes: 5_000_000 },
      { kind: 'smaller', bytes: 500_000 },
    ),
  )
})

test('OR binds less than standing side by side; parentheses and minus bind most', () => {
  expect(parse('a b OR c d')).toEqual(or(and(word('a'), word('b')), and(word('c'), word('d'))))
  expect(parse('a (b OR c) -d')).toEqual(and(word('a'), or(word('b'), word('c')), not(word('d'))))
  expect(parse('-(a OR -"b c")')).toEqual(not(or(word('a'), not(word('b c')))))
  expect(parse('(in:sent OR in:archive) ((x))')).toEqual(and(or(folder('sent'), folder('archive')), word('x')))
  expect(parse('a OR b OR c')).toEqual(or(word('a'), word('b'), word('c')))
  expect(parse('-in:trash')).toEqual(not(folder('trash')))
})

test('words of other operators, a minus alone and pairs inside of words are only words', () => {
  expect(parse('tea or milk and not "OR" f(x) e-mail 12:30 5"floppy')).toEqual(
    and(...['tea', 'or', 'milk', 'and', 'not', 'OR', 'f(x)', 'e-mail', '12:30', '5"floppy'].map(text => word(text))),
  )
  expect(parse('(f(x) y)')).toEqual(and(word('f(x)'), word('y')))
  expect(parse('in:(x|y)')).toEqual(folder('(x|y)'))
  expect(parse('in:a)')).toEqual(folder('a)'))
  // Signs alone are in no index.
  expect(parse('tea - milk & "x"')).toEqual(and(word('tea'), word('milk'), word('x')))
  expect(parse('(tea OR &)')).toEqual(word('tea'))
})

test('a star ends the beginning of a word, and so does the place where somebody types', () => {
  expect(parse('bud* from:an* "annual rep"*')).toEqual(
    and(word('bud', true), { kind: 'from', text: 'an', isPrefix: true }, word('annual rep', true)),
  )
  const typing = (query: string) => parseSearch(query, { inBody: true, isTyping: true })
  expect(typing('annual rep')).toEqual(and(word('annual'), word('rep', true)))
  expect(typing('annual rep ')).toEqual(and(word('annual'), word('rep')))
  expect(typing('"annual rep"')).toEqual(word('annual rep'))
  expect(typing('from:an')).toEqual({ kind: 'from', text: 'an', isPrefix: true })
  expect(typing('(annual rep)')).toEqual(and(word('annual'), word('rep')))
})

test('a day, a keyword and the text alone have keys of their own', () => {
  expect(parse('on:2026-02-28 tea')).toEqual(
    and({ kind: 'after', day: '2026-02-28' }, { kind: 'before', day: '2026-03-01' }, word('tea')),
  )
  expect(parse('-on:2026-12-31')).toEqual(
    not(and({ kind: 'after', day: '2026-12-31' }, { kind: 'before', day: '2027-01-01' })),
  )
  expect(parse('keyword:Work OR label:"$Junk"')).toEqual(
    or({ kind: 'label', label: 'Work' }, { kind: 'label', label: '$Junk' }),
  )
  expect(parse('body:"good milk"')).toEqual({ kind: 'body', text: 'good milk', isPrefix: false })
  expect(parse('is:unflagged is:unanswered')).toEqual(
    and({ kind: 'flag', flag: 'flagged', isSet: false }, { kind: 'flag', flag: 'answered', isSet: false }),
  )
})

test('callers that may not read the text of messages search nothing in it', () => {
  expect(parseSearch('secret', { inBody: false })).toEqual({ ...word('secret'), inBody: false })
  for (const query of ['-body:x', 'a OR filename:x', '(has:link)', 'filename:x*']) {
    expect([query, refusal(query, { inBody: false })]).toEqual([query, expect.stringContaining('requires mail:read')])
  }
  expect(refusal('a -(b OR has:link)', { inBody: false })).toContain('at character 10: has:link looks into texts')
})

test('where no index answers, what mail servers cannot be asked for is refused, and the rest is not', () => {
  const ask = (query: string) => {
    try {
      return parseSearch(query, { inBody: true, isOnServer: true })
    } catch (error) {
      return error instanceof Problem ? error.extension.errors?.[0] : error
    }
  }
  for (const [query, at] of [
    ['tea has:attachment', 5],
    ['tea OR -has:link', 8],
    ['(filename:pdf)', 2],
    ['thread:abc', 1],
  ] as const) {
    expect(ask(query)).toEqual({ path: 'query.q', at, message: expect.stringMatching(/requires the local index/) })
  }
  expect(ask('has:nothing')).toMatchObject({ at: 1, message: expect.stringContaining('has: takes') })
  expect(ask('a OR -(b cc:c) label:d on:2026-01-01 body:e')).toEqual(
    parse('a OR -(b cc:c) label:d on:2026-01-01 body:e'),
  )
})

test('what is wrong is told with its place', () => {
  expect(() => parse('tea )')).toThrow(
    expect.objectContaining({ extension: { errors: [{ path: 'query.q', at: 5, message: expect.any(String) }] } }),
  )
})

test.each([
  ['   ', 'has no search terms'],
  ['a'.repeat(501), 'longer than 500 characters'],
  ['word '.repeat(21), 'more than 20 terms'],
  ['a\r\nb', 'control characters'],
  ['"a\0b"', 'control characters'],
  ['& —', 'has no letters or digits to search for'],
  ['tea "—"', 'at character 5: there are no letters or digits'],
  ['tea from:&', 'at character 5: there are no letters or digits'],
  ['tea "and milk', 'at character 5: the quote is not closed'],
  ['tea ""', 'at character 5: the quotes are empty'],
  ['subject:', 'at character 1: subject: needs a value'],
  ['tea from:" "', 'at character 5: from: needs a value'],
  ['tea colour:red', 'at character 5: colour: is not a search key. Use from: to: cc: bcc: subject:'],
  ['from: anna', 'at character 1: from: needs a value directly after the colon'],
  ['tea newer_than:2d', 'at character 5: newer_than: is not a search key'],
  ['rfc822msgid:abc', 'at character 1: rfc822msgid: is not a search key'],
  ['Re: plan', 'at character 1: re: is not a search key'],
  ['constructor:x', 'constructor: is not a search key'],
  ['tea OR', 'at character 5: OR stands between two terms'],
  ['OR tea', 'at character 1: OR stands between two terms'],
  ['tea OR OR milk', 'at character 5: OR stands between'],
  ['(tea OR) milk', 'at character 6: OR stands between'],
  ['(OR tea)', 'at character 2: OR stands between'],
  ['tea -OR', 'at character 5: OR cannot be negated'],
  ['tea AND milk', 'at character 5: AND is not needed'],
  ['NOT tea', 'at character 1: NOT is written as a minus'],
  ['tea|milk', 'at character 1: | is written as OR'],
  ['{tea milk}', 'at character 1: { } is written as OR'],
  ['*tea', 'at character 1: * may end a word'],
  ['is:unread from:(anna OR bob)', 'at character 11: from: takes one word or phrase. Write (from:anna OR from:bob)'],
  ['tea (milk', 'at character 5: this ( is not closed'],
  ['tea ) milk', 'at character 5: this ) closes nothing'],
  ['tea ()', 'at character 5: there is nothing between these parentheses'],
  [`${'('.repeat(11)}x${')'.repeat(11)}`, 'at character 11: more than 10 parentheses'],
  ['tea annual report"', 'at character 12: the quote is not opened'],
  ['\u201cannual report\u201d', 'at character 1: put phrases in straight quotes'],
  ['has:star', 'has: takes attachment, link'],
  ['is:constructor', 'is: takes unread, read, flagged, unflagged, answered, unanswered, draft'],
  ['on:2026-13-01', 'on: takes a day such as 2026-11-22'],
  ['in:', 'needs the path or role'],
  ['after:2026-02-30', 'after: takes a day such as 2026-11-22'],
  ['before:1969-12-31', 'takes a day'],
  ['larger:0', 'larger: takes bytes'],
  ['smaller:5G', 'smaller: takes bytes'],
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
    '(',
    ')',
    ' OR ',
    '*',
    '{3}',
  )
  const typed = fc.oneof(
    anyText(80),
    fc.array(pieces).map(all => all.join('')),
  )
  const leaves = (node: SearchNode): SearchNode[] =>
    node.kind === 'not' ? leaves(node.node) : 'nodes' in node ? node.nodes.flatMap(leaves) : [node]
  fc.assert(
    fc.property(typed, query => {
      const why = refusal(query)
      expect(why).not.toBe('')
      if (why !== 'read') return
      const all = leaves(parse(query))
      expect(all.length).toBeGreaterThan(0)
      expect(all.length).toBeLessThanOrEqual(20)
    }),
    { numRuns: 1000 },
  )
})
