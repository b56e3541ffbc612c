/** An address is one address however it is written, and says which IPv4 addresses it carries. */
import { SocketAddress } from 'node:net'
import { expect, test } from 'vitest'
import { embeddedIPv4, mappedIPv4, networkOf, parseIpAddress, spellIpAddress } from './ip-address.ts'

test('bytes are those of the address, however it is written', () => {
  expect(parseIpAddress('192.0.2.7')).toEqual({ family: 4, bytes: [192, 0, 2, 7] })
  const bytes = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 2, 7]
  for (const text of ['2001:db8::c000:207', '2001:DB8:0:0:0:0:192.0.2.7', '2001:0db8::0:c000:0207%eth0'])
    expect(parseIpAddress(text), text).toEqual({ family: 6, bytes })
  expect(parseIpAddress('::')?.bytes).toEqual(Array(16).fill(0))
  expect(parseIpAddress('1:2:3:4:5:6:7:8')?.bytes).toEqual([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8])
  expect(parseIpAddress('1::')?.bytes).toEqual([0, 1, ...Array(14).fill(0)])
})

test('each address is read as the operating system reads it', () => {
  // A walk over patterns of groups, from a seed: no two runs differ.
  let seed = 1
  const next = () => (seed = (seed * 48_271) % 2_147_483_647)
  for (let round = 0; round < 2_000; round++) {
    const groups = Array.from({ length: 8 }, () => [0, 0, 0xffff, 1, next() % 65_536][next() % 5] ?? 0)
    const plain = groups.map(group => group.toString(16)).join(':')
    const { address } = new SocketAddress({ address: plain, family: 'ipv6' })
    const bytes = groups.flatMap(group => [group >> 8, group & 255])
    expect(parseIpAddress(plain)?.bytes, plain).toEqual(bytes)
    expect(parseIpAddress(address)?.bytes, address).toEqual(bytes)
    const spelt = spellIpAddress({ family: 6, bytes })
    expect(parseIpAddress(spelt)?.bytes, spelt).toEqual(bytes)
    // The system writes the end of some addresses as IPv4, which is as right.
    if (!address.includes('.')) expect(spelt).toBe(address)
  }
})

test('a network is its address with the other bits zero', () => {
  const all = [
    ['192.168.1.77', 24, '192.168.1.0/24'],
    ['192.168.1.77', 32, '192.168.1.77/32'],
    ['255.255.255.255', 0, '0.0.0.0/0'],
    ['255.255.255.255', 9, '255.128.0.0/9'],
    ['2001:db8:1:2::3', 32, '2001:db8::/32'],
    ['2001:db8:1:2::3', 128, '2001:db8:1:2::3/128'],
    ['ffff:ffff::1', 17, 'ffff:8000::/17'],
  ] as const
  for (const [address, bits, network] of all) expect(networkOf(parseIpAddress(address)!, bits)).toBe(network)
})

test('what is no address is none', () => {
  const wrong = [
    '',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.4.5',
    '256.1.1.1',
    'localhost',
    ':::',
    '1::2::3',
    '[::1]',
    '::1/128',
    '%',
  ]
  for (const text of wrong) expect(parseIpAddress(text), text).toBeUndefined()
})

test.each([
  ['::ffff:192.0.2.7', '192.0.2.7', ['192.0.2.7']],
  ['::FFFF:c000:207', '192.0.2.7', ['192.0.2.7']],
  ['::ffff:0:192.0.2.7', undefined, ['192.0.2.7']],
  ['::192.0.2.7', undefined, ['192.0.2.7']],
  ['::2', undefined, ['0.0.0.2']],
  ['::1', undefined, []],
  ['::', undefined, []],
  ['64:ff9b::192.0.2.7', undefined, ['192.0.2.7']],
  ['64:ff9b:1::192.0.2.7', undefined, ['192.0.2.7']],
  ['64:ff9b:1:c000:2:700::', undefined, ['192.0.2.7', '2.7.0.0']],
  ['64:ff9b:1::', undefined, []],
  ['2002:c000:207::1', undefined, ['192.0.2.7']],
  // The example of RFC 4380, section 3: server 65.54.227.120, client 192.0.2.45.
  ['2001:0000:4136:e378:8000:63bf:3fff:fdd2', undefined, ['65.54.227.120', '192.0.2.45']],
  ['fe80::5efe:192.0.2.7', undefined, ['192.0.2.7']],
  ['2002:c000:207::5efe:10.0.0.1', undefined, ['192.0.2.7', '10.0.0.1']],
  ['2001:db8::192.0.2.7', undefined, []],
  ['192.0.2.7', undefined, []],
])('%s stands for %s and leads to %j', (text, mapped, embedded) => {
  const address = parseIpAddress(text)!
  expect(mappedIPv4(address)).toBe(mapped)
  expect(embeddedIPv4(address)).toEqual([...new Set(embedded)])
})
