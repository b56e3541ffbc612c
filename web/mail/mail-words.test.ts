/** One-line summaries of a message. */
import { expect, test } from 'vitest'
import type { SenderAuth } from '../../contract/mail.ts'
import {
  addressWords,
  authWords,
  formatMailTime,
  keywordWords,
  mayHaveRemoteContent,
  namesOf,
  subjectOf,
  visibleLines,
  visibleText,
  wordsOfFaults,
} from './mail-words.ts'

const now = new Date(2026, 10, 22, 15, 0).getTime()

test.each([
  [new Date(2026, 10, 22, 0, 5), '00:05'],
  [new Date(2026, 10, 21, 23, 59), 'Sat'],
  [new Date(2026, 10, 15, 12, 0), '15 Nov'],
  [new Date(2025, 11, 31, 12, 0), '31 Dec 2025'],
  [new Date(2026, 10, 24, 12, 0), '24 Nov'],
])('a message of %s is dated by how long ago it came', (at, words) => {
  expect(formatMailTime(at.getTime(), now)).toBe(words)
})

test('senders are named, by their address where they have no name, and never by nothing', () => {
  const anna = { name: 'Anna', email: 'anna@example.org' }
  expect(namesOf([anna], 1, 'Unknown sender')).toBe('Anna')
  expect(namesOf([{ ...anna, name: ' ' }, anna, anna], 3, 'Unknown sender')).toBe('anna@example.org and 2 more')
  expect(namesOf([anna, anna], 100_000, 'nobody')).toBe('Anna and 99,999 more')
  expect(namesOf([], 0, 'Unknown sender')).toBe('Unknown sender')
  expect(subjectOf({ subject: ' ', faults: [] })).toBe('(no subject)')
})

test('what is not known of a message is said in words', () => {
  expect(subjectOf({ subject: '', faults: ['unreadable'] })).toBe('(unreadable)')
  expect(subjectOf({ subject: 'plan', faults: ['structure_too_large'] })).toBe('plan')
  expect(wordsOfFaults([])).toBe('')
  const words = wordsOfFaults(['headers_too_large', 'structure_too_large'])
  expect(words).toMatch(/headers .*long.* parts.* first/)
})

test.each([
  ['<img src="https://x.example/a.png">', true],
  ['<img src=//x.example/a.png>', true],
  ['<IMG SRC = "&#104;ttps://x.example/a.png">', true],
  ['<td background="http://x.example/a.png">', true],
  ['<div style="background: url(\'https://x.example/a.png\')">', true],
  ['<link rel="stylesheet" href="https://x.example/a.css">', true],
  ['<a href="https://x.example">go</a>', false],
  ['<img src="cid:logo"><img src="data:image/png;base64,AA"><div style="background:url(cid:a)">', false],
])('%s asks for something from outside: %s', (html, isRemote) => {
  expect(mayHaveRemoteContent(html)).toBe(isRemote)
})

test('what hides or turns round words is seen, and what a script or an emoji needs is left alone', () => {
  expect(visibleText('Boss \u202eelpmaxe\u202c')).toBe('Boss \ufffdelpmaxe\ufffd')
  expect(visibleText('Pay\u200b\u2060Pal\u{e0041}\u{e0042} \u0007')).toBe('Pay\ufffdPal\ufffd \ufffd')
  expect(subjectOf({ subject: 'a\u2066b\u3164', faults: [] })).toBe('a\ufffdb\ufffd')
  const good = 'נעם\u200f می\u200cخواهد क\u094d\u200dष 👩🏽\u200d💻 ❤\ufe0f 葛\u{e0100} 🏴\u{e0067}\u{e0062}\u{e007f}'
  expect(visibleText(good)).toBe(good)
})

test('an address with letters of other alphabets says what name servers call its domain', () => {
  expect(addressWords('a@example.org')).toBe('a@example.org')
  expect(addressWords('a@p\u0430ypal.com')).toBe('a@p\u0430ypal.com (xn--pypal-4ve.com)')
  expect(addressWords('a\u202e@b c')).toBe('a\ufffd@b c')
})

test('what the mail server found is said in words, of the domain that it is about', () => {
  const checks = { spf: null, dkim: null, dmarc: 'pass' } as const
  const found: Omit<SenderAuth, 'verdict'> = { ...checks, domain: 'corp.example', unsigned: [] }
  expect(authWords({ ...found, verdict: 'verified' })).toBe(
    'The mail server verified that this came from corp.example.',
  )
  expect(authWords({ ...found, verdict: 'verified', unsigned: ['reply_to', 'cc'] })).toBe(
    'The mail server verified that this came from corp.example. Not covered by its signature: Reply-To, Cc.',
  )
  expect(authWords({ ...found, verdict: 'unverified', domain: null })).toBe(
    'The mail server could not verify that this came from the sender it names.',
  )
  expect(authWords({ ...found, verdict: 'failed' })).toMatch(/check failed: this did not come from corp\.example\.$/)
})

test('keywords are labels in words, each once, and notes of programs to themselves are none', () => {
  const keywords = ['$Forwarded', '$MDNSent', 'NonJunk', '$label2', 'Work', 'Tax\u202e2026', '$', 'constructor']
  expect(keywordWords(keywords)).toEqual(['Forwarded', 'Work', 'Tax\ufffd2026', 'constructor'])
})

test('of many lines each is shown as one would be, and tabs stay', () => {
  const source = 'Subject: pay\u202efdp.exe\r\n\tfolded\rline\nnull\u0000 \u05d0\u200f'
  expect(visibleLines(source)).toBe('Subject: pay\ufffdfdp.exe\n\tfolded\nline\nnull\ufffd \u05d0\u200f')
})
