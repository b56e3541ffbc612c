/** Exchanges of MCP that come at a bad moment: when rights end, and when there is no room. */
import { expect, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Toolbox } from '../platform/toolbox.ts'
import { type Exchange, type ExchangeKind, ExchangeRegistry, maxOpen } from './exchange-registry.ts'
import { McpService } from './mcp-service.ts'

const logger = createLogger('silent')
const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const idle = (kind: ExchangeKind): Exchange => ({ kind, toolsChanged: () => undefined, end: () => undefined })

function setUp() {
  let time = 0
  const exchanges = new ExchangeRegistry({ now: () => time, logger })
  const stream = { clientId: 'c', sent: () => undefined, dropped: () => undefined, closed: () => undefined }
  const clients = { recognise: () => undefined, openStream: () => stream }
  const limits = { checkPrincipal: () => ({}) }
  const trail = { isFull: false, record: () => undefined }
  const toolbox = new Toolbox({ tools: [], limits, trail, observe: () => undefined, logger })
  const mcp = new McpService({ toolbox, exchanges, clients, version: '1', logger })
  const closing: (() => void)[] = []
  const answer = (method: string, params: object = {}) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    return mcp.answer({
      request: new Request('http://rustymail.invalid/mcp', { method: 'POST', headers }),
      body: { jsonrpc: '2.0', id: 1, method, params },
      caller: { principal: someone, address: '192.0.2.1', userAgent: '' },
      requestId: 'r-1',
      beStream: () => undefined,
      onClosed: listener => void closing.push(listener),
    })
  }
  return {
    exchanges,
    answer,
    close: () => closing.splice(0).forEach(listener => void listener()),
    pass: (ms: number) => {
      time += ms
    },
  }
}

test('who is revoked while the body of the request is on its way gets nothing', async () => {
  const { exchanges, answer, pass } = setUp()
  exchanges.revoked(someone.id)
  pass(59_000)
  await expect(answer('tools/list')).rejects.toMatchObject({ code: 'unauthorized' })
  await expect(answer('subscriptions/listen')).rejects.toMatchObject({ code: 'unauthorized' })
  exchanges.changed(someone)
  expect((await answer('tools/list')).status).toBe(200)
})

test('who is narrowed while the body is on its way acts by what is left', () => {
  const { exchanges } = setUp()
  exchanges.changed({ ...someone, scopes: new Set() })
  expect(exchanges.open(someone, idle('call')).principal.scopes.size).toBe(0)
})

test.each(['stream', 'call'] as const)('each %s takes a place, and gives it back once', kind => {
  const { exchanges } = setUp()
  const open = (id: string) => exchanges.open({ ...someone, id }, idle(kind))
  const own = Array.from({ length: maxOpen[kind].principal }, () => open('own'))
  expect(() => open('own')).toThrow(`You already have ${maxOpen[kind].principal}`)
  const other = kind === 'stream' ? 'call' : 'stream'
  exchanges.open({ ...someone, id: 'own' }, idle(other)).closed()
  for (let turn = 0; turn < 3; turn++) own[0]!.closed()
  open('own')
  expect(() => open('own')).toThrow('You already have')
  for (let index = 0; index < maxOpen[kind].server - own.length; index++) open(`other ${index % 100}`)
  expect(() => open('one more')).toThrow(`This server already has ${maxOpen[kind].server}`)
})

test('an exchange that has ended takes no place', async () => {
  const { answer, close } = setUp()
  for (let turn = 0; turn < maxOpen.call.principal; turn++) await answer('tools/list')
  await expect(answer('tools/list')).rejects.toMatchObject({ code: 'too_many_requests' })
  close()
  expect((await answer('tools/list')).status).toBe(200)
})
