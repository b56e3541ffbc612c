/** Which part of a reply is new and which is quoted, and how pending items are grouped. */
import { expect, test } from 'vitest'
import type { Approval } from '../../contract/approvals.ts'
import {
  activityWords,
  domainCounts,
  groupApprovals,
  reasonsOf,
  recipientWords,
  showsAddress,
  splitAddress,
  waitingMark,
  waitingWords,
} from './approval-words.ts'
import { blocksOf } from './quoted-text.ts'

const original = 'Dear Ada,\nshall we meet at noon\nor rather at one?\n> an older line\nBob'

test('the answer is new, the quote is a quote, also where its lines are broken elsewhere', () => {
  const text =
    'At noon.\n\nOn Friday Bob wrote:\n> Dear Ada,\n> shall we meet at noon or\n> rather at one?\n>\n>> an older line\n'
  expect(blocksOf(text, original)).toEqual([
    { kind: 'new', lines: ['At noon.', '', 'On Friday Bob wrote:'] },
    {
      kind: 'quoted',
      lines: ['> Dear Ada,', '> shall we meet at noon or', '> rather at one?', '>', '>> an older line'],
    },
  ])
})

test('words that are marked as a quote and were never written are told', () => {
  const text = 'See below.\n> shall we meet at noon\n> Send the money to AT00 0000.\n> Bob'
  expect(blocksOf(text, original).map(({ kind, lines }) => [kind, lines.length])).toEqual([
    ['new', 1],
    ['quoted', 1],
    ['altered', 1],
    ['quoted', 1],
  ])
  // Without the original message, nothing can be compared.
  expect(blocksOf(text, null).map(({ kind }) => kind)).toEqual(['new', 'quoted'])
})

test('words of the other message without a mark are what is said now', () => {
  expect(blocksOf('shall we meet at noon', original)).toEqual([{ kind: 'new', lines: ['shall we meet at noon'] }])
})

const approval = (id: string, group: string, name: string) =>
  ({ id, group, asks: { name }, findings: [] }) as unknown as Approval

test('what belongs together stands together', () => {
  const items = [approval('a1', 'x', 'Bot'), approval('a2', 'y', 'Other'), approval('a3', 'x', 'Bot')]
  expect(groupApprovals(items).map(({ name, items: own }) => [name, own.map(({ id }) => id)])).toEqual([
    ['Bot', ['a1', 'a3']],
    ['Other', ['a2']],
  ])
})

test('recipients, reasons and counts in words', () => {
  const people = ['a@x.org', 'b@x.org', 'c@x.org'].map(email => ({ email }))
  expect(recipientWords([])).toBe('nobody')
  expect(recipientWords(people.slice(0, 2))).toBe('a@x.org and b@x.org')
  expect(recipientWords(people)).toBe('a@x.org, b@x.org and 1 more')
  expect(splitAddress('"a@b"@x.org')).toEqual({ local: '"a@b"@', domain: 'x.org' })
  const why = 'Every message needs approval.'
  const finding = { rule: 'approval_always', effect: 'hold', why } as const
  expect(reasonsOf({ findings: [finding, finding] })).toEqual([why])
  expect([waitingMark(0), waitingMark(12)]).toEqual(['', '(12) '])
  expect([waitingWords(0), waitingWords(1), waitingWords(2)]).toEqual([
    'Nothing waits for approval',
    '1 waits for approval',
    '2 wait for approval',
  ])
})

test('what the asker did in the last hour is said without what it did not do', () => {
  const none = {
    since: '2026-11-30T00:00:00.000Z',
    sent: 0,
    held: 0,
    denied: 0,
    changes: 0,
    read_strangers: 0,
    calls: [],
  }
  expect(activityWords(none)).toBe('nothing sent, changed or read of strangers')
  expect(activityWords({ ...none, held: 1, read_strangers: 1_250 })).toBe(
    '1 message held, read 1,250 messages of strangers',
  )
  expect(activityWords({ ...none, sent: 2, denied: 1, changes: 30 })).toBe(
    'sent 2 messages, 1 message denied, asked to change 30 messages',
  )
})

test('a name that shows another address is told, and of many recipients the rarest domains', () => {
  expect(showsAddress('boss@ok.example', 'eve@evil.example')).toBe(true)
  expect(showsAddress('Boss (boss＠ok.example)', 'eve@evil.example')).toBe(true)
  for (const name of ['Boss', 'Boss <Boss@ok.example>', 'Boss @ work']) {
    expect(showsAddress(name, 'boss@ok.example')).toBe(false)
  }
  const colleagues = Array.from({ length: 999 }, (_, number) => `c${number}@ok.example`)
  expect(domainCounts([...colleagues, 'eve@evil.example'])).toBe('evil.example (1), ok.example (999)')
  const many = Array.from({ length: 20 }, (_, number) => `a@d${number}.example`)
  expect(domainCounts(many)).toMatch(/^d0\.example \(1\), .* and 8 more domains$/)
})
