/** Which clients are remembered, for how long, and whose quota they use. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Fact, facts as factTable } from '../../contract/event.ts'
import { createLogger } from '../platform/logger.ts'
import { anonymous, type Caller, everyScope } from '../platform/principal.ts'
import { ClientRegistry } from './client-registry.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const minute = 60_000

function setUp() {
  const facts: Fact[] = []
  const registry = new ClientRegistry({
    hub: { publish: fact => void facts.push(fact) },
    logger: createLogger('silent'),
  })
  const told = () => facts.splice(0).map(({ type, data }) => ('reason' in data ? `${type} ${data.reason}` : type))
  return { registry, facts, told }
}

function caller(changes: { id?: string; kind?: 'session' | 'api_key'; address?: string; agent?: string } = {}): Caller {
  const { id = 'anna', kind = 'session', address = '10.0.0.1', agent = 'Firefox' } = changes
  return {
    principal: { id, name: id.toUpperCase(), kind, userId: null, scopes: everyScope, accounts: 'all' },
    address,
    userAgent: agent,
  }
}

/** Distinct places; fewer than a hundred agents each. */
const numbered = (id: string, index: number) =>
  caller({ id, address: `10.1.0.${index % 200}`, agent: `agent ${index}` })

test('a client is one principal from one address with one user agent, however many requests it sends', () => {
  const { registry, told, facts } = setUp()
  registry.record({ caller: caller() })
  vi.advanceTimersByTime(1500)
  registry.record({ caller: caller() })
  const [only] = registry.list()
  expect(only).toMatchObject({ requestCount: 2, kind: 'browser', principalName: 'ANNA', address: '10.0.0.1' })
  expect(only!.lastActivity - only!.connectedAt).toBe(1500)
  for (const other of [caller({ id: 'ben', kind: 'api_key' }), caller({ address: '::1' }), caller({ agent: 'curl' })])
    registry.record({ caller: other })
  expect(registry.list().map(({ kind }) => kind)).toEqual(['browser', 'api', 'browser', 'browser'])
  for (const { type, data } of facts) expect(factTable[type].data.parse(data)).toEqual(data)
  expect(told()).toEqual(Array(4).fill('client_connected'))
})

test('anonymous callers are not tracked', () => {
  const { registry } = setUp()
  registry.record({ caller: { ...caller(), principal: anonymous } })
  expect(registry.list()).toEqual([])
})

test('a client is forgotten 15 minutes after its last request, and not while it holds a stream', () => {
  const { registry, told } = setUp()
  registry.start()
  registry.record({ caller: caller() })
  const stream = registry.openStream(caller({ id: 'ben' }), () => {})
  vi.advanceTimersByTime(14 * minute)
  registry.record({ caller: caller() })
  vi.advanceTimersByTime(14 * minute)
  expect(registry.list()).toHaveLength(2)
  vi.advanceTimersByTime(2 * minute)
  expect(registry.list().map(({ principalId }) => principalId)).toEqual(['ben'])
  vi.advanceTimersByTime(60 * minute)
  stream.closed()
  vi.advanceTimersByTime(14 * minute)
  expect(registry.list(), 'a page that reconnects is the same client').toHaveLength(1)
  vi.advanceTimersByTime(2 * minute)
  expect(registry.list()).toEqual([])
  expect(told().slice(2)).toEqual(['client_disconnected idle', 'client_disconnected idle'])
  registry.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('streams are counted on their client and in total, and a stream ends once', () => {
  const { registry } = setUp()
  const first = registry.openStream(caller(), () => {})
  const second = registry.openStream(caller(), () => {})
  expect(first.clientId).toBe(second.clientId)
  first.sent(3)
  second.sent(4)
  second.dropped(1)
  first.closed()
  first.closed()
  expect(registry.list()).toMatchObject([{ streamCount: 1, eventsSent: 7, eventsDropped: 1, requestCount: 0 }])
  registry.disconnect(first.clientId)
  second.sent(1)
  expect(registry.totals).toEqual({ sent: 8, dropped: 1 })
})

test('disconnecting closes every stream of that client and of no other, and it may come back', () => {
  const { registry, told } = setUp()
  const closed: string[] = []
  for (const name of ['one', 'two', 'three']) {
    const stream = registry.openStream(caller(), reason => {
      closed.push(`${name} ${reason}`)
      stream.closed()
      if (name === 'two') throw new Error('broken pipe')
    })
  }
  registry.openStream(caller({ id: 'ben' }), () => closed.push('ben'))
  const { id } = registry.list().find(({ principalId }) => principalId === 'anna')!
  expect(registry.disconnect(id)).toBe(true)
  expect(registry.disconnect(id)).toBe(false)
  expect(closed).toEqual(['one kicked', 'two kicked', 'three kicked'])
  expect(told()).toEqual(['client_connected', 'client_connected', 'client_disconnected kicked'])
  registry.record({ caller: caller() })
  const back = registry.list().find(({ principalId }) => principalId === 'anna')!
  expect(back.id).not.toBe(id)
  expect(back).toMatchObject({ streamCount: 0, requestCount: 1 })
})

test('inventing user agents costs neither memory nor events past a hundred', () => {
  const { registry, told } = setUp()
  for (let index = 0; index < 5000; index++) registry.record({ caller: caller({ agent: `agent ${index}` }) })
  registry.record({ caller: caller({ agent: 'agent 7' }) })
  expect(registry.list()).toHaveLength(101)
  expect(registry.list().find(({ userAgent }) => userAgent === '(other user agents)')?.requestCount).toBe(4900)
  expect(registry.list().find(({ userAgent }) => userAgent === 'agent 7')?.requestCount).toBe(2)
  expect(told()).toHaveLength(101)
})

test('a full table forgets the longest idle client without a stream of the principal that fills it', () => {
  const { registry, told } = setUp()
  registry.record({ caller: caller({ id: 'quiet' }) })
  const stream = registry.openStream(numbered('flood', 0), () => {})
  for (let index = 1; index < 9_999; index++) registry.record({ caller: numbered('flood', index) }, Date.now() + index)
  registry.record({ caller: numbered('flood', 1) }, Date.now() + 20_000)
  expect(registry.list()).toHaveLength(10_000)
  told()
  registry.record({ caller: caller({ id: 'newcomer' }) })
  const agents = new Set(registry.list().map(({ userAgent, principalId }) => `${principalId} ${userAgent}`))
  expect(agents.size).toBe(10_000)
  expect(agents).toContain('quiet Firefox')
  expect(agents).toContain('newcomer Firefox')
  expect(agents, 'it holds a stream').toContain('flood agent 0')
  expect(agents, 'it was just here').toContain('flood agent 1')
  expect(agents).not.toContain('flood agent 2')
  expect(told()).toEqual(['client_disconnected crowded', 'client_connected'])
  for (let index = 0; index < 50; index++)
    registry.record({ caller: caller({ id: 'newcomer', agent: `invented ${index}` }) })
  expect(told(), 'one client for all that it invents').toEqual(['client_disconnected crowded', 'client_connected'])
  expect(registry.list()).toHaveLength(10_000)
  stream.closed()
})

test('when every client holds a stream, newcomers are counted as one client until there is room', () => {
  const { registry } = setUp()
  const streams = Array.from({ length: 10_000 }, (_, index) => registry.openStream(numbered('busy', index), () => {}))
  for (const id of ['new 1', 'new 2']) registry.record({ caller: caller({ id }) })
  expect(registry.list()).toHaveLength(10_001)
  expect(registry.list().at(-1)).toMatchObject({ principalName: '(others)', address: '(others)', requestCount: 2 })
  streams[5]!.closed()
  registry.record({ caller: caller({ id: 'new 3' }) })
  expect(registry.list()).toHaveLength(10_001)
  expect(registry.list().at(-1)).toMatchObject({ principalId: 'new 3', requestCount: 1 })
})
