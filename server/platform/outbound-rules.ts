/** Which addresses may be connected to when a person named the server: not this network's inner parts, unless allowed. */
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Never: this host by another name, link-local (cloud metadata lives there), multicast, reserved (RFC 6890). */
const forbidden = blockList([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Metadata services outside the link-local range: Alibaba Cloud, Azure, AWS and Google over IPv6.
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fd00:ec2::/32',
  'fd20:ce::/32',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
])
/** Only when allowed: this machine itself and private networks. */
const inner = blockList([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
])

export type Verdict = 'open' | 'inner' | 'forbidden'

export function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    const family = isIPv6(network) ? 'ipv6' : 'ipv4'
    list.addSubnet(network, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return list
}

/** @param address A number, not a name. What stands for an IPv4 address inside IPv6 is judged as that. */
export function judgeAddress(address: string): Verdict {
  const plain = withoutMapping(address)
  const family = isIP(plain)
  if (family === 0) return 'forbidden'
  const kind = family === 6 ? 'ipv6' : 'ipv4'
  if (forbidden.check(plain, kind)) return 'forbidden'
  return inner.check(plain, kind) ? 'inner' : 'open'
}

export function isWithin(address: string, ranges: BlockList): boolean {
  const plain = withoutMapping(address)
  return ranges.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
}

/** ::ffff:a.b.c.d (mapped), ::a.b.c.d (compatible), 64:ff9b:: (NAT64) and 2002:: (6to4) carry an IPv4 address. */
function withoutMapping(address: string): string {
  const bare = address.split('%')[0]!
  if (!isIPv6(bare)) return bare
  const groups = expand(bare)
  const ipv4 = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  const isZeroTo5 = [a, b, c, d, e].every(group => group === 0)
  if (isZeroTo5 && (f === 0xffff || (f === 0 && (g !== 0 || h > 1)))) return ipv4(g, h)
  if (a === 0x64 && b === 0xff9b) return ipv4(g, h)
  if (a === 0x2002) return ipv4(b, c)
  return bare
}

function expand(address: string): number[] {
  // URL normalises an IPv6 address, a dotted tail included.
  const normal = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = normal.split('::')
  const parse = (text: string | undefined) => (text ? text.split(':').map(group => Number.parseInt(group, 16)) : [])
  const [first, last] = [parse(head), parse(tail)]
  return tail === undefined ? first : [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}
