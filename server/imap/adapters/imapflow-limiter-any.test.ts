/** For any answers of a mail server, right or hostile: where the network breaks them never matters, and what is small and right passes as it is. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ResponseLimiter } from './imapflow-limiter.ts'

function passed(words: string, breaks: readonly number[] = []): string {
  const limiter = new ResponseLimiter({ maxLiteralBytes: 10_000_000 })
  const bytes = Buffer.from(words, 'latin1')
  const places = [0, ...breaks.filter(at => at < bytes.length).sort((one, other) => one - other), bytes.length]
  const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
  // The limiter may write into what it is given.
  return pieces.map(piece => limiter.push(Buffer.from(piece)).toString('latin1')).join('')
}

const everywhere = (words: string) => Array.from({ length: words.length }, (_item, at) => at)

// Responses of a server that follows RFC 9051.
const text = fc.oneof(
  fc.constantFrom(
    '(',
    ')',
    '{5}',
    '{5}\r',
    '"',
    '\\',
    '()',
    '<x@y>',
    ')\\"(',
    '{',
    '\xe4',
    '* 1 FETCH (',
    'x'.repeat(900),
  ),
  fc.string({ maxLength: 12, unit: 'binary-ascii' }),
)
const quoted = text.map(words => `"${words.replaceAll(/[\r\n\0]/g, '').replaceAll(/[\\"]/g, '\\$&')}"`)
const literal = text.map(words => `{${words.length}}\r\n${words}`)
const string = fc.oneof(quoted, literal)
const nstring = fc.oneof(string, fc.constantFrom('NIL', 'nil'))
const list = (items: readonly string[], between = ' ') => `(${items.join(between)})`
const address = fc.array(nstring, { minLength: 4, maxLength: 4 }).map(items => list(items))
const addresses = fc.oneof(
  fc.constant('NIL'),
  fc.array(address, { minLength: 1, maxLength: 100 }).map(items => list(items, '')),
)
const sixLists = fc.array(addresses, { minLength: 6, maxLength: 6 })
const envelope = fc
  .tuple(nstring, nstring, sixLists, nstring, nstring)
  .map(([date, subject, lists, ...ids]) => list([date, subject, ...lists, ...ids]))
const parameters = fc.oneof(
  fc.constant('NIL'),
  fc.array(fc.tuple(string, string), { minLength: 1, maxLength: 3 }).map(pairs => list(pairs.flat())),
)
const basic = fc
  .tuple(string, string, parameters, nstring, nstring, string, fc.constantFrom('5', '5 1 NIL ("inline" NIL) NIL NIL'))
  .map(fields => list(fields))
const part: fc.Arbitrary<string> = fc.letrec<{ part: string }>(tie => ({
  part: fc.oneof(
    { maxDepth: 4 },
    basic,
    fc
      .tuple(envelope, tie('part'))
      .map(([head, body]) => `("message" "rfc822" NIL NIL NIL "7bit" 50 ${head} ${body} 4)`),
    fc
      .tuple(fc.array(tie('part'), { minLength: 1, maxLength: 4 }), string)
      .map(([parts, type]) => `(${parts.join('')} ${type} ("boundary" "x") NIL NIL NIL)`),
  ),
})).part
const item = fc.oneof(
  envelope.map(value => `ENVELOPE ${value}`),
  part.map(value => `BODYSTRUCTURE ${value}`),
  fc.constantFrom('FLAGS ()', 'FLAGS (\\Seen $x NIL)', 'RFC822.SIZE 5', 'MODSEQ (5)', 'BODY[1] NIL', 'BODY[] ""'),
  fc
    .tuple(
      fc.constantFrom('BODY[1]<0>', 'BODY[HEADER]', 'BODY[2.1.MIME]', 'BODY[HEADER.FIELDS (FROM)]', 'UNKNOWN'),
      string,
    )
    .map(([name, value]) => `${name} ${value}`),
  literal.map(value => `BINARY[1] ~${value}`),
  string.map(value => `X-GM-LABELS (${value} \\Inbox)`),
)
const row = fc.array(item, { minLength: 1, maxLength: 6 }).map(items => `* 1 FETCH ${list(items)}\r\n`)
const other = fc.constantFrom(
  '* 3 EXISTS\r\n* 4 EXPUNGE\r\n',
  '* OK [X] hi {x}\r\n+ idling\r\nA1 OK done\r\n',
  '* LIST (\\X) "/" {5}\r\nFETCH\r\n',
  '* ESEARCH (TAG "A1") ALL 1:3\r\n* VANISHED 1:4\r\n',
)

test('what keeps to the standard and is small passes as it is, wherever it is broken', () => {
  const answers = fc.array(fc.oneof(row, row, other), { maxLength: 4 }).map(lines => lines.join(''))
  fc.assert(
    fc.property(answers, fc.array(fc.nat(4_000), { maxLength: 10 }), (words, breaks) => {
      expect(passed(words) === words, words).toBe(true)
      expect(passed(words, breaks) === words, words).toBe(true)
      if (words.length < 1_500) expect(passed(words, everywhere(words)) === words, words).toBe(true)
    }),
    { numRuns: 300 },
  )
})

// Responses of none: fragments in any order, with lists and strings beyond every bound.
const shard = fc.oneof(
  fc.constantFrom(
    ...[
      '(',
      ')',
      ' ',
      '"',
      '\\',
      'NIL',
      '{3}\r\nabc',
      '{0}\r\n',
      '{2+}\r\nab',
      '~{3}\r\nabc',
      '\r\n',
      '\n',
      '\0',
      '[',
      ']',
      '{',
    ],
    ...[
      '}',
      '{5',
      '12',
      'ENVELOPE',
      'BODYSTRUCTURE',
      'BODY[]',
      'BODY[HEADER]',
      'FLAGS',
      '* 1 FETCH (',
      'FETCH',
      '<0>',
      '"({"',
    ],
    ...[
      '* 2 FETCH (UID 5 BODYSTRUCTURE ("text" "plain" NIL)',
      ' BODY[CUT] "structure=1"',
      'From: a\r\n\r\n',
      '{99999}\r\n',
    ],
    ...['x'.repeat(3_000), '("a" NIL "b" "c")'.repeat(150), '('.repeat(70), ')'.repeat(70)],
  ),
  fc.string({ maxLength: 4 }),
)

test('where the network breaks what is hostile changes nothing but blanks before the end of a list', () => {
  const answers = fc
    .array(shard, { maxLength: 40 })
    .map(shards => `* 1 FETCH (${shards.join('')})\r\n* 2 FETCH (UID 9 FLAGS ())\r\n`)
  const tidy = (words: string) => words.replaceAll(/ +\)/g, ')').replaceAll(/ +/g, ' ')
  const outcomeOf = (words: string, breaks?: readonly number[]) => {
    try {
      return tidy(passed(words, breaks))
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : 'another error'
    }
  }
  fc.assert(
    fc.property(answers, fc.array(fc.nat(6_000), { maxLength: 12 }), (words, breaks) => {
      const whole = outcomeOf(words)
      expect(whole).not.toBe('another error')
      expect(outcomeOf(words, breaks) === whole, words).toBe(true)
      if (words.length < 3_000) expect(outcomeOf(words, everywhere(words)) === whole, words).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})
