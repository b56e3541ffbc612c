/** The list of clients as the page asks for it, over HTTP. */
import { afterEach, expect, test } from 'vitest'
import { ClientQuery, PaginatedClients } from '../../contract/clients.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { type Caller, everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { ClientRegistry } from './client-registry.ts'
import { clientRoutes } from './client-routes.ts'
import { ClientService } from './client-service.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const logger = createLogger('silent')
const start = Date.parse('2026-11-22T18:00:00.000Z')

function setUp() {
  const registry = new ClientRegistry({ hub: { publish: () => {} }, logger })
  return { registry, clients: new ClientService({ registry }) }
}

function caller(name: string, address: string, userAgent: string, kind: Principal['kind'] = 'session'): Caller {
  return { principal: { id: name, name, kind, userId: null, scopes: everyScope, accounts: 'all' }, address, userAgent }
}

const anna = caller('Anna', '', '').principal
const query = (input: Record<string, string>) => ClientQuery.parse(input)

test('filters narrow the list: part of address or user agent in any case, kind, status, principal', () => {
  const { registry, clients } = setUp()
  registry.record({ caller: caller('Anna', '10.0.0.1', 'Firefox/140') }, start)
  registry.record({ caller: caller('Anna', '192.168.0.7', 'Safari') }, start + 50_000)
  registry.record({ caller: caller('Script', '2001:DB8::1', 'curl/8', 'api_key') }, start + 100_000)
  const names = (input: Record<string, string>) =>
    clients.list(anna, query(input), start + 100_000).clients.map(({ user_agent }) => user_agent)
  expect(names({})).toEqual(['curl/8', 'Safari', 'Firefox/140'])
  expect(names({ filter: 'FIRE' })).toEqual(['Firefox/140'])
  expect(names({ filter: '2001:db8' })).toEqual(['curl/8'])
  expect(names({ filter: '.*' })).toEqual([])
  expect(names({ kind: 'api' })).toEqual(['curl/8'])
  expect(names({ status: 'idle' })).toEqual(['Firefox/140'])
  expect(names({ principal: 'Anna', status: 'active' })).toEqual(['Safari'])
})

test('times are reported to the millisecond, in any minute', () => {
  const { registry, clients } = setUp()
  const times = [0, 7, 59_999, 60_000, 86_400_000 - 1, 86_400_000 + 12_034].map(after => start + after)
  for (const [index, at] of times.entries()) registry.record({ caller: caller('Anna', `10.0.0.${index}`, '') }, at)
  const told = clients.list(anna, query({ order: 'asc' }), start).clients
  expect(told.map(({ connected_at }) => connected_at)).toEqual(times.map(at => new Date(at).toISOString()))
  expect(told.map(({ last_activity }) => last_activity)).toEqual(told.map(({ connected_at }) => connected_at))
})

test('newest first, also after one came or went, and after the clock was put back', () => {
  const { registry, clients } = setUp()
  const names = (input: Record<string, string> = {}) =>
    clients.list(anna, query({ per_page: '2', ...input }), start).clients.map(({ user_agent }) => user_agent)
  const come = (agent: string, at: number) => registry.record({ caller: caller('Anna', '10.0.0.1', agent) }, start + at)
  for (const [agent, at] of [
    ['one', 0],
    ['two', 1],
    ['three', 2],
  ] as const)
    come(agent, at)
  expect(names()).toEqual(['three', 'two'])
  expect(names({ page: '2' })).toEqual(['one'])
  come('four', 3)
  expect(names()).toEqual(['four', 'three'])
  registry.disconnect(registry.list().find(({ userAgent }) => userAgent === 'three')!.id)
  expect(names()).toEqual(['four', 'two'])
  come('earlier', -10)
  expect(names()).toEqual(['four', 'two'])
  expect(names({ order: 'asc', per_page: '1' })).toEqual(['earlier'])
  registry.disconnect(registry.list().find(({ userAgent }) => userAgent === 'two')!.id)
  expect(names({ order: 'asc', per_page: '1' })).toEqual(['earlier'])
})

test('a client with a stream is active, however long ago the last request was', () => {
  const { registry, clients } = setUp()
  registry.openStream(caller('Anna', '10.0.0.1', 'Firefox'), () => {}).sent(2)
  const [client] = clients.list(anna, query({}), Date.now() + 3600_000).clients
  expect(client).toMatchObject({ status: 'active', streams: 1, events_sent: 2, events_dropped: 0, request_count: 0 })
})

test('a principal that sees only some accounts does not see how many events others got, which would reveal the rest', () => {
  const { registry, clients } = setUp()
  registry.openStream(caller('Anna', '10.0.0.1', 'Firefox'), () => {}).sent(2)
  registry.openStream(caller('Ben', '10.0.0.2', 'Firefox'), () => {}).sent(3)
  const sentTo = (principal: Principal) =>
    clients
      .list(principal, query({ sort: 'ip_address', order: 'asc' }))
      .clients.map(({ principal: name, events_sent }) => [name, events_sent])
  expect(sentTo({ ...anna, accounts: new Set(['a']) })).toEqual([
    ['Anna', 2],
    ['Ben', null],
  ])
  expect(sentTo(anna)).toEqual([
    ['Anna', 2],
    ['Ben', 3],
  ])
})

test('pages in every order hold each client exactly once, also when all are equal', () => {
  const { registry, clients } = setUp()
  for (let index = 0; index < 25; index++) registry.record({ caller: caller('Anna', `10.0.0.${index}`, 'same') }, start)
  for (const sort of ['connected_at', 'last_activity', 'request_count', 'ip_address', 'user_agent', 'streams']) {
    for (const order of ['asc', 'desc']) {
      const pages = ['1', '2', '3', '4'].map(page =>
        clients.list(anna, query({ page, per_page: '10', sort, order }), start),
      )
      expect(pages.map(page => page.clients.length)).toEqual([10, 10, 5, 0])
      expect(pages.every(({ total }) => total === 25)).toBe(true)
      expect(new Set(pages.flatMap(page => page.clients.map(({ id }) => id))).size).toBe(25)
    }
  }
})

test('sorting follows the field and the direction asked for', () => {
  const { registry, clients } = setUp()
  for (const [agent, requests] of [
    ['b', 3],
    ['a', 1],
    ['c', 2],
  ] as const)
    for (let index = 0; index < requests; index++) registry.record({ caller: caller('Anna', '10.0.0.1', agent) }, start)
  const agents = (input: Record<string, string>) =>
    clients.list(anna, query(input)).clients.map(each => each.user_agent)
  expect(agents({ sort: 'request_count' })).toEqual(['b', 'c', 'a'])
  expect(agents({ sort: 'request_count', order: 'asc' })).toEqual(['a', 'c', 'b'])
  expect(agents({ sort: 'user_agent', order: 'asc' })).toEqual(['a', 'b', 'c'])
})

test('over HTTP a client is listed and disconnected by callers that may, and a bad page is a 400', async () => {
  const { registry, clients } = setUp()
  const principals: Record<string, Principal> = {
    operator: caller('Operator', '', '', 'api_key').principal,
    reader: { ...caller('Reader', '', '', 'api_key').principal, scopes: scopeSet(['dashboard:read']) },
  }
  const http = createHttpServer({
    logger,
    authenticate: ({ token }) => principals[token ?? ''],
    observe: outcome => registry.record(outcome),
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  cleanups.push(() => http.fastify.close())
  clientRoutes(http, clients)
  const address = await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  const call = (path: string, token: string, method = 'GET') =>
    fetch(`${address}/api/dashboard/clients${path}`, { method, headers: { 'x-api-key': token, 'user-agent': token } })

  expect(await (await call('', 'operator')).json()).toEqual({ clients: [], total: 0, page: 1, per_page: 10 })
  await call('', 'reader')
  const listed = async () =>
    PaginatedClients.parse(await (await call('?sort=user_agent&order=desc', 'operator')).json())
  await expect.poll(async () => (await listed()).total).toBe(2)
  // It leaves unchecked, so nothing is to be in it that the contract does not name.
  const page = await (await call('', 'operator')).json()
  expect(PaginatedClients.parse(page)).toEqual(page)
  const { clients: items } = await listed()
  expect(items).toMatchObject([
    { user_agent: 'reader', principal: 'Reader', ip_address: '127.0.0.1', kind: 'api', status: 'active' },
    { user_agent: 'operator', principal: 'Operator' },
  ])
  for (const bad of ['?page=0', '?per_page=101', '?page=x', '?sort=id', '?nope=1', '?page=1&page=2'])
    expect((await call(bad, 'operator')).status, bad).toBe(400)

  const { id } = items[0]!
  expect((await call(`/${id}`, 'reader', 'DELETE')).status).toBe(403)
  expect((await call(`/${id}`, 'operator', 'DELETE')).status).toBe(204)
  const again = await call(`/${id}`, 'operator', 'DELETE')
  expect(again.status).toBe(404)
  expect(await again.json()).toMatchObject({ code: 'client_not_found' })
})
