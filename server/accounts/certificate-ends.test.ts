/** How long certificates of mail servers last: what a connection showed last counts; of what is renewed every few days, the share of its life. */
import { expect, test } from 'vitest'
import { CertificateEnds, certificateOf } from './certificate-ends.ts'

const day = 86_400_000

test('of each account and protocol the certificate that was shown last', () => {
  const ends = new CertificateEnds()
  const shown = (account: string, protocol: 'imap' | 'smtp', from: number, until: number) =>
    ends.seen(account, protocol, { from: from * day, until: until * day }, 84.9 * day)
  shown('a', 'imap', 0, 90)
  shown('a', 'imap', 60, 150)
  shown('a', 'smtp', 0, 90)
  shown('b', 'imap', 0, 90)
  expect([...ends.left(85 * day)]).toEqual([
    { account_id: 'a', protocol: 'imap', days: 65 },
    { account_id: 'a', protocol: 'smtp', days: 5 },
    { account_id: 'b', protocol: 'imap', days: 5 },
  ])
  // Now without TLS, and the account is gone.
  ends.seen('a', 'smtp', undefined)
  ends.forget('b')
  expect([...ends.left(200 * day)]).toEqual([{ account_id: 'a', protocol: 'imap', days: 0 }])
})

test('of a certificate of a few days the share of its life, for as long as the connection that showed it is recent', () => {
  const ends = new CertificateEnds()
  const shown = (at: number) => ends.seen('a', 'imap', { from: 0, until: 6 * day }, at * day)
  const left = (at: number) => [...ends.left(at * day)]
  shown(0)
  expect(left(0.6)).toEqual([{ account_id: 'a', protocol: 'imap', percent: 90 }])
  // Renewed since, or not: who has not connected again does not know.
  expect(left(0.7)).toEqual([])
  shown(4.5)
  expect(left(4.5)).toEqual([{ account_id: 'a', protocol: 'imap', percent: 25 }])
  expect(left(5.1)).toEqual([{ account_id: 'a', protocol: 'imap', percent: expect.closeTo(15) }])
  shown(6.1)
  expect(left(6.2)).toEqual([{ account_id: 'a', protocol: 'imap', percent: 0 }])
})

test('a certificate without readable times is none', () => {
  expect(certificateOf(null)).toBeUndefined()
  expect(certificateOf({})).toBeUndefined()
  expect(certificateOf({ getPeerCertificate: () => ({}) })).toBeUndefined()
  const times = { valid_from: 'Jan  1 00:00:00 1970 GMT', valid_to: 'Jan  2 00:00:00 1970 GMT' }
  expect(certificateOf({ getPeerCertificate: () => times })).toEqual({ from: 0, until: day })
})
