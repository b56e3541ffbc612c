/** Reports of failed deliveries are recognised as mail servers write them; other mail, delays and nonsense are none. */
import { expect, test } from 'vitest'
import { bounceSamples, reportOf } from '../../test/support/bounces.ts'
import { looksLikeBounce, readBounce, wordsAbout } from './bounce-report.ts'

const email = 'anne@there.test'
const id = '<1@here.test>'
const read = (text: string) => readBounce(Buffer.from(text.replaceAll('\n', '\r\n')))

test.each(bounceSamples)('$name', ({ write, namesMessage, words }) => {
  const report = read(write(email, id))!
  expect(report.messageIds.includes(id)).toBe(namesMessage)
  const said =
    report.failed.find(each => each.email.toLowerCase() === email)?.words ?? wordsAbout(report.texts.join('\n'), email)
  expect(said).toContain(words)
  // A recipient named only in the original message has not failed.
  expect(wordsAbout(report.texts.join('\n'), 'bystander@there.test')).toBeUndefined()
})

test('a delay, a success and a relay are no failure', () => {
  for (const [action, status] of [
    ['delayed', '4.4.1'],
    ['delivered', '2.1.5'],
    ['relayed', '2.0.0'],
    ['expanded', '2.0.0'],
  ] as const) {
    expect([action, read(reportOf(email, id, action, status, '450 later'))]).toEqual([action, undefined])
  }
  const warning = `From: MAILER-DAEMON@there.test\nSubject: Mail delivery failed\n\nWarning: message still being retried, 5.0.0.\n<${email}>: wait\n`
  expect(read(warning)).toBeUndefined()
})

test('mail of people is no report, whatever it says', () => {
  const text = `From: Anne <${email}>\nSubject: Re: Lunch\n\n${email}: user unknown, 550 5.1.1\n`
  expect(read(text)).toBeUndefined()
  expect([looksLikeBounce(email, 'Lunch'), looksLikeBounce('MAILER-DAEMON@x.test', '')]).toEqual([false, true])
  expect(looksLikeBounce('x@x.test', 'Undelivered Mail Returned to Sender')).toBe(true)
})

test('an address is not found in a longer one', () => {
  expect(wordsAbout('joanne@there.test failed', email)).toBeUndefined()
  expect(wordsAbout('anne@there.test.org failed', email)).toBeUndefined()
  expect(wordsAbout('anne@there.tests failed', email)).toBeUndefined()
  expect(wordsAbout('joanne@there.test\nanne@there.test. It failed', email)).toBe('anne@there.test. It failed')
})

test('nonsense, depth and size end without harm', () => {
  const nested = (depth: number): string =>
    depth === 0
      ? 'x'
      : `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n${nested(depth - 1)}\n--b${depth}--\n`
  const head = 'From: MAILER-DAEMON@x.test\nSubject: failure notice\n'
  const blocks = 'Final-Recipient: rfc822; a@there.test\nAction: failed\n\n'.repeat(5_000)
  for (const text of [
    '',
    '\n\n',
    'x'.repeat(200_000),
    head + nested(50),
    `${head}Content-Type: multipart/report; boundary=""\n\n----\n`,
    `${head}Content-Type: multipart/report; boundary=b\n\n${'--b\n'.repeat(50_000)}`,
    `${head}X-Failed-Recipients: ${'a@there.test,'.repeat(20_000)}\n\n`,
    `${head}Content-Type: message/delivery-status\n\nReporting-MTA: x\n\n${blocks}`,
    `${head}References: ${'<a@b> '.repeat(10_000)}\n\nuser unknown`,
  ]) {
    const report = read(text)
    expect(report?.failed.length ?? 0).toBeLessThanOrEqual(500)
    expect(report?.messageIds.length ?? 0).toBeLessThanOrEqual(20)
  }
})
