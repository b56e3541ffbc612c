/** What is shown of a message in one line. */
import { expect, test } from 'vitest'
import { formatMailTime, mayHaveRemoteContent, namesOf, subjectOf, wordsOfFaults } from './mail-words.ts'

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
  expect(subjectOf({ subject: '', faults: ['unreadable'] })).toBe('(cannot be read)')
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
