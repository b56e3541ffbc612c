/** The parser in front of Node's own: what it reads, Node reads in the same way. */
import { createServer, type IncomingMessage } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../../test/support/any-text.ts'
import { parseRequestHead } from './request-head.ts'

const ordinary = [
  'GET /api/dashboard/events?types=mail_received%2Calert_raised&account_id=a HTTP/1.1',
  'Host: 127.0.0.1:9437',
  'Accept: text/event-stream',
  'Authorization: Bearer rm_abc',
  'Last-Event-ID: k3f9-1042',
  'Connection: keep-alive',
]
const head = (lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')

/** Returns what Node parses from the bytes: its requests, or a fault. */
async function asNodeReads(bytes: Buffer): Promise<{ requests: IncomingMessage[]; body: number; isFault: boolean }> {
  const requests: IncomingMessage[] = []
  let body = 0
  let isFault = false
  const server = createServer((request, response) => {
    requests.push(request)
    request.on('data', (chunk: Buffer) => {
      body += chunk.length
    })
    response.end()
  })
  const upgraded = (request: IncomingMessage, socket: Duplex) => {
    requests.push(request)
    isFault = true
    socket.destroy()
  }
  server.on('upgrade', upgraded).on('connect', upgraded)
  server.on('clientError', (_error, socket) => {
    isFault = true
    socket.destroy()
  })
  const [near, far] = duplexPair()
  const closed = new Promise(resolve => near.once('close', resolve))
  server.emit('connection', far)
  near.resume().on('error', () => undefined)
  near.end(bytes)
  await closed
  return { requests, body, isFault }
}

test('an ordinary request is read', () => {
  expect(parseRequestHead(head(ordinary))).toEqual({
    path: '/api/dashboard/events',
    search: 'types=mail_received%2Calert_raised&account_id=a',
    headers: {
      host: '127.0.0.1:9437',
      accept: 'text/event-stream',
      authorization: 'Bearer rm_abc',
      'last-event-id': 'k3f9-1042',
      connection: 'keep-alive',
    },
  })
})

test('so is one of a proxy, which asks in 1.0 and says for whom', () => {
  const lines = [
    'GET /api/dashboard/events HTTP/1.0',
    'Host: mail',
    'Connection: close',
    'X-Forwarded-For: 203.0.113.9',
  ]
  expect(parseRequestHead(head(lines))).toEqual({
    path: '/api/dashboard/events',
    search: '',
    headers: { host: 'mail', connection: 'close', 'x-forwarded-for': '203.0.113.9' },
  })
})

test.each([
  ['a body that follows', Buffer.concat([head([...ordinary, 'Content-Length: 2']), Buffer.from('{}')])],
  ['a second request behind it', Buffer.concat([head(ordinary), head(ordinary)])],
  ['half a head', head(ordinary).subarray(0, -3)],
  ['a chunked body', head([...ordinary, 'Transfer-Encoding: chunked'])],
  ['a header twice', head([...ordinary, 'host: other'])],
  ['no host', head(ordinary.filter(line => !line.startsWith('Host')))],
  ['a folded line', head([...ordinary, ' more'])],
  ['a space before the colon', head([...ordinary, 'X-Y : z'])],
  ['a bare LF', head([...ordinary, 'X-Y: z\nTransfer-Encoding: chunked'])],
  ['an upgrade', head([...ordinary.slice(0, -1), 'Connection: Upgrade', 'Upgrade: websocket'])],
  ['another method', head(['HEAD /api/dashboard/events HTTP/1.1', ...ordinary.slice(1)])],
  ['another version', head(['GET /api/dashboard/events HTTP/2.0', ...ordinary.slice(1)])],
  ['a whole address', head(['GET http://x/api/dashboard/events HTTP/1.1', ...ordinary.slice(1)])],
  ['an odd escape', head(['GET /api/dashboard/events?types=%zz HTTP/1.1', ...ordinary.slice(1)])],
  ['51 headers', head([...ordinary, ...Array.from({ length: 46 }, (_, index) => `X-${index}: y`)])],
  ['more than 8 KiB', head([...ordinary, `X-Y: ${'z'.repeat(8192)}`])],
])('%s is left to Node', (_what, bytes) => {
  expect(parseRequestHead(bytes)).toBeUndefined()
})

test('whatever is sent, what is read here is what Node reads, and nothing else comes with it', async () => {
  const pieces = [
    '\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    ':',
    '\0',
    '\x7f',
    'é',
    '%',
    '?',
    '#',
    'Transfer-Encoding: chunked',
    ...ordinary,
  ]
  const more = [
    'Content-Length: 0',
    'Connection: close',
    'Connection: keep-alive, Upgrade',
    'Upgrade: h2c',
    'Expect: 100-continue',
  ]
  const change = fc.record({
    at: fc.nat(400),
    cut: fc.oneof(fc.constant(0), fc.nat(3)),
    put: fc.oneof(fc.constantFrom(...pieces, ...more), anyText(3), fc.string({ maxLength: 12 })),
  })
  let read = 0
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(ordinary.slice(1), { minLength: 3 }),
      fc.array(change, { maxLength: 3 }),
      fc.constantFrom('1.1', '1.0'),
      async (lines, changes, version) => {
        let text = head([ordinary[0]!.replace('1.1', version), ...lines]).toString('latin1')
        for (const { at, cut, put } of changes) text = text.slice(0, at) + put + text.slice(at + cut)
        const bytes = Buffer.from(text, 'latin1')
        const ours = parseRequestHead(bytes)
        if (!ours) return
        read++
        const { requests, body, isFault } = await asNodeReads(bytes)
        expect([requests.length, body, isFault]).toEqual([1, 0, false])
        const [node] = requests
        expect(node).toMatchObject({ method: 'GET', httpVersion: expect.stringMatching(/^1\.[01]$/) })
        expect(node?.url).toBe(ours.search || text.includes('?') ? `${ours.path}?${ours.search}` : ours.path)
        expect({ ...node?.headers }).toEqual({ ...ours.headers })
      },
    ),
    { numRuns: 5_000 },
  )
  expect(read).toBeGreaterThan(500)
})
