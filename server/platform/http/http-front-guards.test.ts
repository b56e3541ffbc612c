/** Requests that are refused before a route is found, or instead of being answered in front, pass the same guards. */
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { administrator } from '../../../test/support/administrator.ts'
import { headOf, openRaw } from '../../../test/support/raw-http.ts'
import { createLogger } from '../logger.ts'
import { Problem } from '../problem.ts'
import { HttpLimits } from '../rate-limits.ts'
import { AllowedHosts } from './http-form.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const authorization = 'Bearer admin'
const rates = { address: 2, principal: 9, search: 9, index_search: 9, assistant: 9, connect: 9, sign_in: 9, access: 9 }

async function door() {
  let streams = 0
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'admin' ? administrator('api_key') : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false, hosts: new AllowedHosts(['mail.example']) },
    trustedProxies: [],
    limits: new HttpLimits({ rates, now: () => 1_000_000 }),
  })
  handleStream(http, api.events.streamEvents, {}, call => {
    streams++
    call.takeSocket().end('opened')
  })
  handle(http, api.accounts.getAccount, () => {
    throw new Problem('account_not_found', 'There is none.')
  })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    http.front.stop()
    http.fastify.server.closeAllConnections()
    await http.fastify.close()
  })
  const { port } = http.fastify.server.address() as AddressInfo
  const ask = async (path: string, host = 'mail.example') => {
    const headers = { host, authorization, connection: 'close' }
    return (await openRaw(`http://127.0.0.1:${port}`, headOf('GET', path, headers))).ended()
  }
  return { ask, streams: () => streams }
}

test('a page whose author points a name at this machine gets no stream, with whatever credentials', async () => {
  const { ask, streams } = await door()
  const { status, text } = await ask(api.events.streamEvents.path, 'evil.example')
  expect([status, streams()]).toEqual([421, 0])
  expect(text).toContain('"code":"host_not_allowed"')
  expect(await ask(api.events.streamEvents.path)).toMatchObject({ status: 200 })
})

test.each([
  ['a path that cannot be decoded', '/api/dashboard/accounts/%zz', 'mail.example', 400],
  ['a name of the server that is not allowed', '/api/dashboard/accounts/a', 'evil.example', 421],
])('a request with %s counts for its address', async (_what, path, host, status) => {
  const { ask } = await door()
  const statuses = [await ask(path, host), await ask(path, host), await ask(path, host)].map(answer => answer.status)
  expect(statuses).toEqual([status, status, 429])
})
