/** Parsing of typed recipients, and merging of concurrent edits of one draft. */
import { expect, test } from 'vitest'
import type { Draft } from '../../contract/draft.ts'
import { changeOf, type DraftForm, keepBoth, mergeForms } from './draft-form.ts'
import { secondsLeft } from './local-time.ts'
import { addRecipients, invalidOf, isAddress, parseRecipients } from './recipients.ts'

test('recipients are split where they end, not in names', () => {
  expect(parseRecipients('Anne <anne@x.org>, "Stone, Bob" <bob@x.org>; carl@x.org\n dora@x.org ,')).toEqual([
    { email: 'anne@x.org', name: 'Anne' },
    { email: 'bob@x.org', name: 'Stone, Bob' },
    { email: 'carl@x.org', name: null },
    { email: 'dora@x.org', name: null },
  ])
  expect(parseRecipients('  ')).toEqual([])
  // An unclosed quote stays visible, to be corrected.
  expect(parseRecipients('"Bob bob@x.org').map(({ email }) => isAddress(email))).toEqual([false])
  expect(
    parseRecipients('Bob <bob@x.org')
      .map(({ email }) => isAddress(email))
      .every(Boolean),
  ).toBe(false)
})

test('an address in any alphabet is one; half of one is not', () => {
  for (const email of ['a@b', 'büro@bücher.example', '"a b"@x.org', 'd.o-t+x@sub.example.org']) {
    expect([email, isAddress(email)]).toEqual([email, true])
  }
  for (const email of ['', 'a', '@b', 'a@', 'a b@c', 'a@b@c', 'a@b\r\nBcc:x@y', 'undisclosed:;']) {
    expect([email, isAddress(email)]).toEqual([email, false])
  }
})

test('no recipient is added twice', () => {
  const anne = { email: 'anne@x.org', name: 'Anne' }
  const both = [
    { email: 'ANNE@x.org', name: null },
    { email: 'no', name: null },
    { email: 'no', name: null },
  ]
  expect(addRecipients([anne], both)).toEqual([anne, { email: 'no', name: null }])
  expect(invalidOf([anne, ...both]).map(({ email }) => email)).toEqual(['no', 'no'])
})

const base: DraftForm = {
  from_email: 'ann@x.org',
  to: [{ email: 'a@x.org', name: null }],
  cc: [],
  bcc: [],
  subject: 'Hello',
  content: 'Dear Anne,',
  include_quote: false,
  include_signature: true,
}
const draft = { rev: 4, body: { format: 'markdown', content: base.content } } as Pick<Draft, 'rev' | 'body'>

test('only what changed is saved, and what is no address waits', () => {
  expect(changeOf(base, base, draft)).toBeUndefined()
  expect(changeOf(base, { ...base, to: [...base.to, { email: 'bob', name: null }] }, draft)).toBeUndefined()
  expect(changeOf(base, { ...base, subject: 'Hi', content: 'Dear Bob,' }, draft)).toEqual({
    rev: 4,
    subject: 'Hi',
    body: { format: 'markdown', content: 'Dear Bob,' },
  })
})

test('what two changed in different fields is joined; the same field is a conflict that loses nothing', () => {
  const mine = { ...base, content: 'Mine' }
  const theirs = { ...base, subject: 'Theirs', content: 'Dear Anne,' }
  expect(mergeForms(base, mine, theirs)).toEqual({ form: { ...mine, subject: 'Theirs' }, conflicts: [] })
  const other = { ...theirs, content: 'Of another' }
  expect(mergeForms(base, mine, other)).toEqual({ form: { ...mine, subject: 'Theirs' }, conflicts: ['content'] })
  // Equal changes on both sides are not a conflict.
  expect(mergeForms(base, mine, { ...base, content: 'Mine' }).conflicts).toEqual([])
  expect(keepBoth('content', mine, other).content).toBe('Mine\n\nOf another')
  const more = { ...base, to: [{ email: 'b@x.org', name: null }] }
  expect(keepBoth('to', base, more).to.map(({ email }) => email)).toEqual(['a@x.org', 'b@x.org'])
})

test('of the time to undo no more seconds are shown than were set', () => {
  const ten = { created_at: '2026-11-29T10:00:00.000Z', send_at: '2026-11-29T10:00:10.000Z' }
  // The browser's clock may be behind, or the second may have started before the page rendered.
  for (const [leftMs, shown] of [
    [10_003, 10],
    [10_900, 10],
    [10_000, 10],
    [9_001, 10],
    [9_000, 9],
    [1, 1],
  ] as const) {
    expect([leftMs, secondsLeft(ten, leftMs)]).toEqual([leftMs, shown])
  }
  expect(secondsLeft({ ...ten, send_at: null }, 3_000)).toBe(3)
})
