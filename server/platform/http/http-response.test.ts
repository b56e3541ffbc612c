/** The lines that every response begins with, on the wire. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { responseWith } from './http-response.ts'

const common = { 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' }

const ours = {
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
  ratelimit: '"principal";r=599;t=1',
  'ratelimit-policy': '"principal";q=600;w=60',
  'x-request-id': 'abc-1',
}

test.each<[string, (response: ServerResponse) => void, Record<string, string>]>([
  ['with headers of its own', response => response.writeHead(200, { etag: '"1"' }).end('x'), { etag: '"1"' }],
  ['without a head of its own', response => response.end('x'), {}],
  ['in pieces', response => void (response.write('x') && response.end('y')), {}],
  ['that may have no body', response => response.writeHead(304).end(), {}],
  [
    'as nearly all of ours are',
    response => response.writeHead(200, { ...ours, etag: '"1"', 'content-length': '1' }).end('x'),
    { ...ours, etag: '"1"', 'content-length': '1' },
  ],
  [
    'with those, set one by one and all at once',
    response => {
      response.setHeader('ratelimit', ours.ratelimit)
      response.writeHead(200, { 'cache-control': 'no-store', 'content-type': 'text/plain' }).end('x')
    },
    { ratelimit: ours.ratelimit, 'cache-control': 'no-store', 'content-type': 'text/plain' },
  ],
  [
    'that has one of them otherwise, all at once',
    response => response.writeHead(200, { 'x-frame-options': 'SAMEORIGIN' }).end('x'),
    { 'x-frame-options': 'SAMEORIGIN' },
  ],
  [
    'that has one of them otherwise, set before',
    response => response.setHeader('Referrer-Policy', 'origin').end('x'),
    { 'referrer-policy': 'origin' },
  ],
])('a response %s has each of them once', async (_name, answer, own) => {
  const server = createServer({ ServerResponse: responseWith(common) }, (_request, response) => answer(response))
  onTestFinished(() => void server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  // Repeated headers are joined by a comma.
  expect(Object.fromEntries(headers)).toMatchObject({ ...common, ...own })
})
