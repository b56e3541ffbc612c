/** Which ranges are offered to be allowed. */
import { expect, test } from 'vitest'
import { canonicalRange, networkAround } from './private-network.ts'

test.each([
  ['192.168.1.77/24', '192.168.1.0/24'],
  ['192.168.1.77', '192.168.1.77/32'],
  ['10.255.255.255/9', '10.128.0.0/9'],
  ['172.16.5.4/0', '0.0.0.0/0'],
  ['::1', '::1/128'],
  ['FD12:3456:0:0:1::5/64', 'fd12:3456::/64'],
  ['fd12:3456:789a:ffff::/50', 'fd12:3456:789a:c000::/50'],
  ['::ffff:10.0.0.5', '10.0.0.5/32'],
  ['::ffff:10.0.0.5/120', '10.0.0.0/24'],
  ['10.0.0.5/33', undefined],
  ['mail.example', undefined],
])('%s is %s', (text, range) => expect(canonicalRange(text)).toBe(range))

test.each([
  ['192.168.1.10', '192.168.1.0/24'],
  ['10.4.5.6', '10.4.5.0/24'],
  ['172.20.1.9', '172.20.1.0/24'],
  ['127.0.0.1', '127.0.0.1/32'],
  ['100.100.4.5', '100.100.4.5/32'],
  ['::1', '::1/128'],
  ['fd12:3456:789a:1:2:3:4:5', 'fd12:3456:789a:1::/64'],
])('around %s one is likely to mean %s', (address, network) => expect(networkAround(address)).toBe(network))
