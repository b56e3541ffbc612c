/** Addresses as sockets and proxies write them, and by which networks they are counted. */
import { expect, test } from 'vitest'
import { AddressRanges, parseAddressRange } from './address-range.ts'
import { addressBehind, networksOf, normaliseAddress, placeOf, siteOf } from './caller-address.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  [' 192.0.2.1 ', '192.0.2.1'],
  ['192.0.2.1:50123', '192.0.2.1'],
  ['"192.0.2.1:50123"', '192.0.2.1'],
  ['for=192.0.2.1', '192.0.2.1'],
  ['For="[2001:db8::1]:4711"', '2001:db8::1'],
  ['[2001:DB8:0::1]', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%25eth0]:80', 'fe80::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['[::ffff:192.0.2.1]:80', '192.0.2.1'],
])('%s is %s', (written, address) => expect(normaliseAddress(written)).toBe(address))

test.each([
  '',
  'unknown',
  '_hidden',
  'x',
  '192.0.2',
  '192.0.2.1.5',
  '192.0.2.1:',
  '2001:db8::1::',
  '[192.0.2.1',
  'a'.repeat(200),
])('%s is no address, and counts as the one place of all such', written => {
  expect(normaliseAddress(written)).toBeUndefined()
  expect(networksOf(written)).toEqual(['unknown'])
})

test('IPv4 counts as itself; IPv6 as networks of 64, 48 and 32 bits, however it is written', () => {
  expect(networksOf('::ffff:192.0.2.7')).toEqual(['192.0.2.7'])
  const networks = ['2001:db8:1:2::/64', '2001:db8:1::/48', '2001:db8::/32']
  for (const written of ['2001:db8:1:2::3', '2001:0db8:0001:0002:ffff:1:2:3', '[2001:DB8:1:2::3]:80']) {
    expect(networksOf(written)).toEqual(networks)
  }
  expect(networksOf('::1')).toEqual(['::/64', '::/48', '::/32'])
  expect(networksOf('64:ff9b::192.0.2.1')[0]).toBe('64:ff9b::/64')
  expect(networksOf('1:2:3:4:5:6:7::')[0]).toBe('1:2:3:4::/64')
  expect([placeOf('2001:db8:1:2::3'), siteOf('2001:db8:1:2::3'), siteOf('192.0.2.1')]).toEqual([
    '2001:db8:1:2::/64',
    '2001:db8:1::/48',
    '192.0.2.1',
  ])
})

const trusted = new AddressRanges(['127.0.0.1', '10.0.0.0/8'].flatMap(text => parseAddressRange(text) ?? []))
const behind = (peer: string, forwarded?: string | string[]) => addressBehind({ peer, forwarded, trusted })

test('what a trusted proxy passes on is believed, what stands in front of it is not', () => {
  expect(behind('192.0.2.9', '198.51.100.1')).toBe('192.0.2.9')
  expect(behind('127.0.0.1')).toBe('127.0.0.1')
  expect(behind('::ffff:127.0.0.1', '198.51.100.1')).toBe('198.51.100.1')
  expect(behind('127.0.0.1', '203.0.113.5, 198.51.100.1')).toBe('198.51.100.1')
  expect(behind('127.0.0.1', ['203.0.113.5', '198.51.100.1, 10.0.0.7'])).toBe('198.51.100.1')
  expect(behind('127.0.0.1', '10.0.0.8')).toBe('10.0.0.8')
})

test('ports, brackets and quotes make no new caller, and hide no proxy', () => {
  for (const port of [1, 50_123, 65_535]) expect(behind('127.0.0.1', `198.51.100.1:${port}`)).toBe('198.51.100.1')
  expect(behind('127.0.0.1', '[2001:db8::1]:80')).toBe('2001:db8::1')
  expect(behind('127.0.0.1', 'for="[2001:db8::1]:80"')).toBe('2001:db8::1')
  expect(behind('127.0.0.1', '198.51.100.1:4000, 10.0.0.7:443')).toBe('198.51.100.1')
})

test('what cannot be read counts as the proxy that passed it on', () => {
  expect(behind('127.0.0.1', '198.51.100.1, unknown')).toBe('127.0.0.1')
  expect(behind('127.0.0.1', 'nonsense, 10.0.0.7')).toBe('10.0.0.7')
  expect(behind('127.0.0.1', '')).toBe('127.0.0.1')
  expect(behind('127.0.0.1', `198.51.100.1${', 10.0.0.7'.repeat(5_000)}`)).toBe('10.0.0.7')
})
