/** Headers that stand several times. */
import { expect, test } from 'vitest'
import { emptyMessage } from './adapters/memory-message.ts'
import { mayRepeat, withFirstHeaders, withFirstListed } from './header-fields.ts'
import type { MessageContent } from './mail-gateway.ts'

const [ann, bob] = [
  { name: 'Ann', email: 'ann@x.org' },
  { name: 'Bob', email: 'bob@x.org' },
]
const counts = { fromCount: 2, toCount: 0, ccCount: 0, bccCount: 0, replyToCount: 0, attachmentCount: 0 }
const { parts: _, ...empty } = emptyMessage
const message = (head: string): MessageContent => ({
  ...empty,
  ...counts,
  uid: 1,
  date: '2026-11-28T00:00:00.000Z',
  from: [ann, bob],
  subject: 'second',
  head,
})

test('the first of several counts, whatever the mail server made of them, and that is said', async () => {
  const head =
    'Subject: =?utf-8?Q?caf=C3?=\r\n =?utf-8?B?qQ==?= and =?iso-8859-1?Q?th=E9?=\r\nFrom: Ann <ann@x.org>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100 (CET)\r\n' +
    'From: bob@x.org\r\nSubject: second\r\nDate: Tue, 3 Mar 2026 10:00:00 +0100\r\n\r\nbody'
  expect(await withFirstHeaders(message(head))).toMatchObject({
    subject: 'café and thé',
    from: [ann],
    fromCount: 1,
    sentAt: '2026-03-02T09:00:00.000Z',
    faults: ['repeated_headers'],
  })
})

test('a sender that the server left out is read from the header', async () => {
  const head = 'From: =?utf-8?Q?J=C3=BC?= <ju@first.example>\r\nFrom: bob@x.org\r\n\r\n'
  const told = await withFirstHeaders({ ...message(head), from: [bob], fromCount: 1 })
  expect(told).toMatchObject({ from: [{ name: null, email: 'ju@first.example' }], faults: ['repeated_headers'] })
})

test('ordinary mail stays as it is: Received and others may stand often', async () => {
  const whole = message('Received: a\r\nReceived: b\r\nSubject: x\r\nFrom: ann@x.org, bob@x.org\r\n\r\nSubject: body')
  expect(await withFirstHeaders(whole)).toEqual(whole)
})

test('what a list shows of a header that stands several times is looked for wherever it may be found', async () => {
  const heads = {
    'From: ann@x.org\r\nFROM : bob@x.org\r\n\r\n': true,
    'subject:one\nSubject\t: two\n\n': true,
    'To: a@x.org\r\nSubject: one\r\n To: not a field\r\nFrom: ann@x.org\r\n\r\n': false,
    'References: <To: a@x.org>\r\n\tFrom: x\r\nFrom: ann@x.org\r\n\r\n': false,
    '\r\n': false,
  }
  for (const [head, isRepeated] of Object.entries(heads)) {
    expect(mayRepeat(head), head).toBe(isRepeated)
    const told = await withFirstListed(message(''), head)
    expect(told.faults, head).toEqual(isRepeated ? ['repeated_headers'] : [])
  }
})
