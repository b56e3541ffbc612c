/** Messages as lines: what is known of each stands before its body, in as few words as say it. */
import { expect, test } from 'vitest'
import { readLines } from './tool-lines.ts'

test('each message has a head and its body, and what was not read is named', () => {
  const date = '2026-11-20T08:59:12.345Z'
  const ann = { email: 'ann@example.org', name: 'Ann' }
  const lines = readLines({
    messages: [
      { ref: 'a.one', from: [ann], date, subject: 'Lunch', untrusted_body: '<f>\nAt noon?\n</f>' },
      { ref: 'a.two', from: [], date, subject: 'Re: Lunch', auth: { spf: 'pass', dkim: 'none' }, more: 70 },
    ],
    failed: [{ ref: 'a.three', code: 'message_not_found', why: 'It is gone.' }],
    left: 2,
    cursor: '1-500',
  })
  expect(lines.split('\n\n')).toEqual([
    'ref: a.one\nfrom: ann@example.org (Ann)\ndate: 2026-11-20T08:59Z\nsubject: Lunch\n<f>\nAt noon?\n</f>',
    'ref: a.two\nfrom: no address\nauth: spf=pass dkim=none\ndate: 2026-11-20T08:59Z\nsubject: Re: Lunch\nmore: 70 characters left',
    'Not read: a.three: message_not_found: It is gone.',
    'Messages not fully read: 2',
    'Go on with: cursor 1-500',
  ])
})
