/** An address is let in by the ranges that name it, however it is written, and by no other. */
import { expect, test } from 'vitest'
import { AddressRanges, parseAddressRange } from './address-range.ts'

const ranges = (...texts: string[]) => new AddressRanges(texts.map(text => parseAddressRange(text)!))

test('an address is found in a range of its family, at both ends and not beside it', () => {
  const some = ranges('10.1.0.0/16', '192.0.2.7', '2001:db8:0:1::/64', '2001:db8::7')
  const inside = [
    '10.1.0.0',
    '10.1.255.255',
    '192.0.2.7',
    '2001:db8:0:1::',
    '2001:DB8:0:1:ffff:ffff:ffff:ffff',
    '2001:db8::7',
  ]
  const outside = [
    '10.0.255.255',
    '10.2.0.0',
    '192.0.2.8',
    '2001:db8:0:2::',
    '2001:db8::8',
    '',
    'localhost',
    '10.1.0.0/16',
  ]
  for (const address of inside) expect(some.has(address), address).toBe(true)
  for (const address of outside) expect(some.has(address), address).toBe(false)
})

test('an IPv4 address inside IPv6 is the IPv4 address, in the range and in the request', () => {
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '0:0:0:0:0:FFFF:10.1.2.3']) {
    expect(ranges('10.1.0.0/16').has(address), address).toBe(true)
    expect(ranges('::ffff:10.1.0.0/112').has(address), address).toBe(true)
    expect(ranges('::ffff:10.1.2.3').has(address), address).toBe(true)
    // Numerically, wide IPv6 ranges would include the IPv4-mapped addresses, which is never what is meant.
    for (const wide of ['::/0', '::/64', '::1/80']) expect(ranges(wide).has(address), wide).toBe(false)
  }
  expect(ranges('0.0.0.0/0').has('2001:db8::1')).toBe(false)
})

test('bits beyond the prefix and a zone make no difference', () => {
  expect(ranges('10.1.2.3/8').has('10.200.0.1')).toBe(true)
  expect(ranges('fe80::/10').has('fe80::1%eth0')).toBe(true)
})

test('what is no range is told from one', () => {
  const wrong = [
    '',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.256',
    '010.0.0.1',
    '::/129',
    '::ffff:10.0.0.0/129',
    '10.0.0.0/',
    '/8',
    'a',
    '1:2',
    'fe80::1%eth0',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
  ]
  for (const text of wrong) expect(parseAddressRange(text), text).toBeUndefined()
})
