/** An undeclared proxy is reported, whatever path its requests take, and does not flood the log. */

import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { administrator } from '../../../test/support/administrator.ts'
import { createLogger } from '../logger.ts'
import { AddressRanges, parseAddressRange } from '../network/address-range.ts'
import { ForwardedWatcher } from '../network/caller-address.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const admin = administrator('api_key')

function listener() {
  const lines: { facts: unknown; words: string }[] = []
  const warn = (facts: unknown, words: string) => void lines.push({ facts, words })
  return { lines, logger: Object.assign(createLogger('silent'), { warn }) }
}

async function door(trustedProxies: string[]) {
  const { lines, logger } = listener()
  const http = createHttpServer({
    logger,
    authenticate: ({ token }) => (token === 'admin' ? admin : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies,
  })
  handleStream(http, api.events.streamEvents, {}, call => call.takeSocket().end('data: x\n\n'))
  handle(http, api.system.live, () => ({ status: 'live' as const }))
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { port } = http.fastify.server.address() as AddressInfo
  onTestFinished(async () => {
    http.front.stop()
    http.fastify.server.closeAllConnections()
    await http.fastify.close()
  })
  const ask = async (path: string, header: string) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n${header}Connection: close\r\n\r\n`)
    socket.resume()
    await once(socket, 'close')
  }
  return { lines, ask }
}

const passedOn = [
  'X-Forwarded-For: 203.0.113.9\r\n',
  'Forwarded: for=203.0.113.9\r\n',
  'X-Real-IP: 203.0.113.9\r\n',
  'X-Forwarded-Proto: https\r\n',
]
const roads = ['/health/live', '/nothing', '/api/dashboard/events']

test.each(roads)('a proxy that is not trusted is told of once, with its address and the setting: %s', async path => {
  for (const header of passedOn) {
    const { lines, ask } = await door(['10.0.0.1'])
    await ask(path, '')
    expect(lines).toEqual([])
    await ask(path, header)
    await ask(path, header)
    const name = header.split(':')[0]!.toLowerCase()
    expect(lines).toEqual([
      { facts: { peer: '127.0.0.1', header: name }, words: expect.stringContaining('RUSTYMAIL_TRUSTED_PROXIES') },
    ])
  }
})

test('nothing is told of a proxy that is trusted', async () => {
  const { lines, ask } = await door(['127.0.0.0/8'])
  for (const path of roads) for (const header of passedOn) await ask(path, header)
  expect(lines).toEqual([])
})

test('it is told once an hour, whatever peer sends it', () => {
  const { lines, logger } = listener()
  const trustedProxies = new AddressRanges([parseAddressRange('10.0.0.1')!])
  let now = 0
  const watcher = new ForwardedWatcher({ trustedProxies, logger, now: () => now })
  const notice = (peer: string) => watcher.notice({ 'x-forwarded-for': '203.0.113.9' }, peer)
  for (const peer of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.1', '10.0.0.2']) notice(peer)
  expect(lines).toHaveLength(1)
  now = 60 * 60_000 - 1
  notice('10.0.0.2')
  expect(lines).toHaveLength(1)
  now++
  notice('10.0.0.1')
  notice('10.0.0.3')
  expect(lines.map(({ facts }) => facts)).toMatchObject([{ peer: '10.0.0.2' }, { peer: '10.0.0.3' }])
})
