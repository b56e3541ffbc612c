/** Replies right by construction: subjects without doubled prefixes, recipients without one's own addresses, threads that stay bounded. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Address } from '../../contract/mail.ts'
import { anyText } from '../../test/support/any-text.ts'
import { readFields } from '../imap/header-fields.ts'
import { isMessageId } from './header-forms.ts'
import { OwnAddresses, replyRecipients } from './reply-recipients.ts'
import { forwardSubject, replySubject } from './reply-subject.ts'
import { threadHeaders } from './thread-headers.ts'

test.each([
  ['Tea', 'Re: Tea', 'Fwd: Tea'],
  ['Re: Tea', 'Re: Tea', 'Fwd: Re: Tea'],
  ['RE: AW: SV: re[2]: Tea', 'Re: Tea', 'Fwd: RE: AW: SV: re[2]: Tea'],
  ['Fwd: Tea', 'Re: Fwd: Tea', 'Fwd: Tea'],
  ['WG: TR: FW: Tea', 'Re: WG: TR: FW: Tea', 'Fwd: Tea'],
  ['回复：茶', 'Re: 茶', 'Fwd: 回复：茶'],
  ['转发: 茶', 'Re: 转发: 茶', 'Fwd: 茶'],
  ['Отв: чай', 'Re: чай', 'Fwd: Отв: чай'],
  ['Reservation: two', 'Re: Reservation: two', 'Fwd: Reservation: two'],
  ['', 'Re:', 'Fwd:'],
])('%s is answered as %s and forwarded as %s', (subject, reply, forward) => {
  expect([replySubject(subject), forwardSubject(subject)]).toEqual([reply, forward])
  expect([replySubject(reply), forwardSubject(forward)]).toEqual([reply, forward])
})

const list = (...emails: string[]): Address[] => emails.map(email => ({ name: null, email }))
const own = new OwnAddresses(['ann@example.org', 'a.berg@bücher.example'])
const message = { from: list('bob@b.example'), to: [], cc: [], reply_to: [], followupTo: [], listPost: null }
const emails = ({ to, cc }: { to: Address[]; cc: Address[] }) => [to, cc].map(all => all.map(({ email }) => email))

test.each([
  ['the sender', 'reply', { to: list('ann@example.org', 'c@c.example') }, [['bob@b.example'], []]],
  ['Reply-To in place of the sender', 'reply', { reply_to: list('r@b.example') }, [['r@b.example'], []]],
  [
    'everybody but oneself, by whatever address',
    'reply_all',
    {
      to: list('ANN@example.org', 'c@c.example'),
      cc: list('A.Berg@xn--bcher-kva.example', 'ann+x@example.org', 'd@d.example', 'bob@b.example'),
    },
    [['bob@b.example', 'c@c.example'], ['d@d.example']],
  ],
  [
    'Mail-Followup-To alone',
    'reply_all',
    { to: list('c@c.example'), followupTo: list('l@l.example', 'ann@example.org') },
    [['l@l.example'], []],
  ],
  [
    'the list, where it is not named',
    'reply_all',
    { to: list('ann@example.org'), listPost: 'l@l.example' },
    [['bob@b.example'], ['l@l.example']],
  ],
  [
    'the list once',
    'reply_all',
    { to: list('L@l.example'), listPost: 'l@l.example' },
    [['bob@b.example', 'L@l.example'], []],
  ],
  [
    'those to whom one wrote',
    'reply',
    { from: list('ann@example.org'), to: list('c@c.example') },
    [['c@c.example'], []],
  ],
  [
    'all to whom one wrote',
    'reply_all',
    { from: list('ann@example.org'), to: list('c@c.example'), cc: list('d@d.example') },
    [['c@c.example'], ['d@d.example']],
  ],
  [
    'oneself, where there is nobody else',
    'reply',
    { from: list('ann@example.org'), to: list('ann@example.org') },
    [['ann@example.org'], []],
  ],
  [
    'no address that is none',
    'reply_all',
    { from: list('bob@b.example', ''), to: list('undisclosed recipients', 'c@c.example') },
    [['bob@b.example', 'c@c.example'], []],
  ],
] as const)('a reply goes to %s', (_what, mode, more, expected) => {
  expect(emails(replyRecipients(mode, { ...message, ...more } as typeof message, own))).toEqual(expected)
})

test('an own address in any case is one’s own, and one with a Kelvin sign for its k is another’s', () => {
  const owner = new OwnAddresses(['kate@example.org'])
  expect(['Kate@example.org', 'kate+x@EXAMPLE.org', '\u212aate@example.org'].map(each => owner.has(each))).toEqual([
    true,
    true,
    false,
  ])
})

test('no reply names an own address while there is another one, and none twice', () => {
  const email = fc.constantFrom(
    'ann@example.org',
    'Ann@EXAMPLE.org',
    'ann+1@example.org',
    'b@b.example',
    'B@b.example',
    'c@c.example',
    'd@d.example',
  )
  const emailsOf = fc.array(email, { maxLength: 4 }).map(all => list(...all))
  const any = fc.record({
    from: emailsOf,
    to: emailsOf,
    cc: emailsOf,
    reply_to: emailsOf,
    followupTo: emailsOf,
    listPost: fc.option(email, { nil: null }),
  })
  fc.assert(
    fc.property(any, fc.constantFrom('reply' as const, 'reply_all' as const), (given, mode) => {
      const [to = [], cc = []] = emails(replyRecipients(mode, given, own))
      const all = [...to, ...cc]
      const keys = all.map(each => each.toLowerCase())
      expect(new Set(keys).size).toBe(keys.length)
      expect(cc.filter(each => own.has(each))).toEqual([])
      if (to.some(each => !own.has(each))) expect(to.filter(each => own.has(each))).toEqual([])
    }),
  )
})

test('a thread is named by its first message and the last ones, whatever stands in the header', () => {
  const fields = (lines: string[]) => readFields(`${lines.join('\r\n')}\r\n\r\n`)
  const id = (count: number) => `<${count}@${'x'.repeat(100)}.example>`
  const references = Array.from({ length: 300 }, (_, index) => id(index))
  const long = threadHeaders(
    fields([
      'Message-ID: <new@b.example>',
      ...references.map((one, index) => (index === 0 ? `References: ${one}` : ` ${one}`)),
    ]),
  )
  expect(long.references[0]).toBe(id(0))
  expect(long.references.at(-1)).toBe('<new@b.example>')
  expect(long.references.length).toBeLessThanOrEqual(50)
  expect(long.references.join(' ').length).toBeLessThanOrEqual(8_100)
  expect(threadHeaders(fields(['Message-ID: <2@b>', 'In-Reply-To: <1@b>'])).references).toEqual(['<1@b>', '<2@b>'])
  expect(threadHeaders(fields(['Message-ID: <3@b>', 'In-Reply-To: <1@b> <2@b>'])).references).toEqual(['<3@b>'])
  expect(threadHeaders(fields(['Message-ID: <ö@b>', 'References: <1@b\u0001> nonsense <2@b>'])).messageId).toBeNull()
  expect(threadHeaders(fields(['List-Post: <mailto:l%40l.example?subject=x>'])).listPost).toBe('l@l.example')
  expect(threadHeaders(fields(['List-Post: NO'])).listPost).toBeNull()
  fc.assert(
    fc.property(anyText(200), anyText(500), (one, other) => {
      const { messageId, references: found } = threadHeaders(fields([`Message-ID: ${one}`, `References: ${other}`]))
      expect([...(messageId === null ? [] : [messageId]), ...found].filter(each => !isMessageId(each))).toEqual([])
    }),
  )
})
