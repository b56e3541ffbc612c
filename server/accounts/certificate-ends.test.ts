/** How long certificates of mail servers last: what a connection showed last counts, and what is renewed every few days is left out. */
import { expect, test } from 'vitest'
import { CertificateEnds, certificateOf } from './certificate-ends.ts'

const day = 86_400_000

test('of each account and protocol the certificate that was shown last', () => {
  const ends = new CertificateEnds()
  const shown = (account: string, protocol: 'imap' | 'smtp', from: number, until: number) =>
    ends.seen(account, protocol, { from: from * day, until: until * day })
  shown('a', 'imap', 0, 90)
  shown('a', 'imap', 60, 150)
  shown('a', 'smtp', 0, 90)
  shown('b', 'imap', 0, 90)
  // Of six days, as some authorities give them.
  shown('c', 'imap', 84, 90)
  expect([...ends.daysLeft(85 * day)]).toEqual([
    { account_id: 'a', protocol: 'imap', days: 65 },
    { account_id: 'a', protocol: 'smtp', days: 5 },
    { account_id: 'b', protocol: 'imap', days: 5 },
  ])
  // Now without TLS, and the account is gone.
  ends.seen('a', 'smtp', undefined)
  ends.forget('b')
  expect([...ends.daysLeft(200 * day)]).toEqual([{ account_id: 'a', protocol: 'imap', days: 0 }])
})

test('a certificate without readable times is none', () => {
  expect(certificateOf(null)).toBeUndefined()
  expect(certificateOf({})).toBeUndefined()
  expect(certificateOf({ getPeerCertificate: () => ({}) })).toBeUndefined()
  const times = { valid_from: 'Jan  1 00:00:00 1970 GMT', valid_to: 'Jan  2 00:00:00 1970 GMT' }
  expect(certificateOf({ getPeerCertificate: () => times })).toEqual({ from: 0, until: day })
})
