/** Exchanges of MCP that come when there is no room, that will not end, and whose client does not listen. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import { Toolbox } from '../tools/toolbox.ts'
import {
  type Exchange,
  type ExchangeKind,
  ExchangeRegistry,
  endingMs,
  lastCallMs,
  maxCallMs,
  maxOpen,
} from './exchange-registry.ts'
import { createMcpOffer } from './mcp-offer.ts'
import type { McpPort } from './mcp-port.ts'
import { McpService } from './mcp-service.ts'
import { createNativeAdapter } from './native-adapter.ts'
import { createSdkAdapter } from './sdk-adapter.ts'
import { watchedOffer } from './watched-offer.ts'

const logger = createLogger('silent')
const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const idle = (kind: ExchangeKind): Exchange => ({
  kind,
  toolsChanged: () => undefined,
  end: () => undefined,
  cut: () => undefined,
})

/** Calls of it that run, and never come to an end. */
function endless(effect: 'read' | 'write') {
  let count = 0
  const tool = defineTool({
    name: 'wait',
    title: 'Wait',
    description: 'Waits.',
    scope: 'signed_in',
    effect,
    input: z.strictObject({}),
    output: z.object({}),
    run: () => {
      count++
      return new Promise<Record<string, never>>(() => undefined)
    },
  })
  return { tool, count: () => count }
}

const modern = '2026-07-28'
const listening = {
  notifications: { toolsListChanged: true },
  _meta: {
    'io.modelcontextprotocol/protocolVersion': modern,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  },
}

const adapters = { native: createNativeAdapter, sdk: createSdkAdapter }
const names = ['native', 'sdk'] as const

function setUp(adapter: McpPort['name'], tools: Tool[] = []) {
  let time = 0
  const exchanges = new ExchangeRegistry({ now: () => time, logger })
  exchanges.start()
  onTestFinished(() => exchanges.stop())
  const stream = { clientId: 'c', sent: () => undefined, dropped: () => undefined, closed: () => undefined }
  const clients = { recognise: () => undefined, openStream: () => stream }
  const observer = { opened: () => ({ named: () => undefined, closed: () => undefined }) }
  const limits = { checkPrincipal: () => ({}) }
  const trail = { isFull: false, record: () => undefined }
  const toolbox = new Toolbox({ tools, limits, trail, observe: () => undefined, logger })
  const offer = watchedOffer(createMcpOffer({ toolbox, accounts: { list: async () => [] }, version: '1' }), {
    exchanges,
    observer: { met: () => undefined },
  })
  const port = adapters[adapter]({
    offer,
    stateKey: Buffer.alloc(32),
    onFault: () => undefined,
    onPeerFault: () => undefined,
  })
  onTestFinished(() => port.close())
  const mcp = new McpService({ load: async () => port, exchanges, clients, observer, logger })
  const closing: (() => void)[] = []
  const send = (body: unknown, more: Record<string, string> = {}) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...more }
    return mcp.answer({
      request: new Request('http://rustymail.invalid/mcp', { method: 'POST', headers }),
      body,
      caller: { principal: someone, address: '192.0.2.1', userAgent: '' },
      requestId: 'r-1',
      beStream: () => undefined,
      onClosed: listener => void closing.push(listener),
    })
  }
  const answer = (method: string, params: object = {}) => send({ jsonrpc: '2.0', id: 1, method, params })
  const listen = (id: unknown = 1) => {
    const headers = { 'mcp-protocol-version': modern, 'mcp-method': 'subscriptions/listen' }
    return send({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: listening }, headers)
  }
  return {
    exchanges,
    send,
    answer,
    listen,
    opened: () => closing.length,
    pass: (ms: number) => {
      time += ms
    },
    close: () => closing.splice(0).forEach(listener => void listener()),
  }
}

test('as the server stops, streams end at once and calls a moment later; what does not end is cut', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { exchanges, pass } = setUp('native')
  const said: string[] = []
  const open = (kind: 'stream' | 'events' | 'call') =>
    exchanges.open(someone, {
      ...idle(kind),
      end: ({ code }) => said.push(`${kind} ${code}`),
      cut: () => said.push(`${kind} cut`),
    })
  const closed = [open('stream'), open('events'), open('call')]
  const wait = (ms: number) => {
    pass(ms)
    vi.advanceTimersByTime(ms)
  }
  exchanges.stop()
  expect(said.splice(0)).toEqual(['stream draining', 'events draining'])
  closed[1]!()
  wait(lastCallMs)
  expect(said.splice(0)).toEqual(['call draining'])
  wait(endingMs)
  expect(new Set(said.splice(0))).toEqual(new Set(['stream cut', 'call cut']))
  for (const close of closed) close()
  expect(vi.getTimerCount()).toBe(0)
})

test.each(['stream', 'events', 'call'] as const)('each %s takes a place, and gives it back once', kind => {
  const { exchanges } = setUp('native')
  const open = (id: string) => exchanges.open({ ...someone, id }, idle(kind))
  const own = Array.from({ length: maxOpen[kind].person }, () => open('own'))
  expect(() => open('own')).toThrow(`You already have ${maxOpen[kind].person}`)
  const other = kind === 'stream' ? 'call' : 'stream'
  exchanges.open({ ...someone, id: 'own' }, idle(other))()
  for (let turn = 0; turn < 3; turn++) own[0]!()
  open('own')
  expect(() => open('own')).toThrow('You already have')
  for (let index = 0; index < maxOpen[kind].server - own.length; index++) open(`other ${index % 100}`)
  expect(() => open('one more')).toThrow(`This server already has ${maxOpen[kind].server}`)
})

test.each(['stream', 'events', 'call'] as const)(
  'each %s of all sessions and tokens of a person takes one of their places',
  kind => {
    const { exchanges } = setUp('native')
    const open = (id: string, userId: string) => exchanges.open({ ...someone, id, userId }, idle(kind))
    const own = Array.from({ length: maxOpen[kind].person }, (_, index) => open(`token ${index}`, 'ann'))
    expect(() => open('one more', 'ann')).toThrow(`You already have ${maxOpen[kind].person}`)
    open('of another', 'bob')
    own[0]!()
    open('one more', 'ann')
  },
)

test('narrowed rights end a call, whose answer might still use them, and are announced on streams; an ended stream hears of nothing', () => {
  const { exchanges } = setUp('native')
  const heard: string[] = []
  for (const kind of ['call', 'stream', 'events'] as const) {
    exchanges.open(someone, {
      kind,
      toolsChanged: () => heard.push(`${kind} changed`),
      publish: () => heard.push(`${kind} published`),
      end: ({ code }) => heard.push(`${kind} ${code}`),
      cut: () => undefined,
    })
  }
  exchanges.changed({ ...someone, accounts: new Set(['a']) })
  expect(heard.splice(0)).toEqual(['call forbidden', 'stream changed', 'events changed'])
  exchanges.changed(someone)
  expect(heard.splice(0)).toEqual(['stream changed', 'events changed'])
  const update = { changes: [{ of: 'resources' } as const], mayReceive: () => true }
  exchanges.publish(update)
  expect(heard.splice(0)).toEqual(['stream published'])
  exchanges.revoked(someone.id)
  expect(heard.splice(0)).toEqual(['call unauthorized', 'stream unauthorized', 'events unauthorized'])
  exchanges.publish(update)
  expect(heard).toEqual([])
})

test.each(names)('with %s, an exchange that has ended takes no place', async name => {
  const { answer, close } = setUp(name)
  for (let turn = 0; turn < maxOpen.call.person; turn++) await answer('tools/list')
  await expect(answer('tools/list')).rejects.toMatchObject({ code: 'too_many_requests' })
  close()
  expect((await answer('tools/list')).status).toBe(200)
})

test.each(names)('with %s, an id that is none is refused before anything is opened for it', async name => {
  const { send, listen, opened } = setUp(name)
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  const long = 'x'.repeat(201)
  const wrong = [long, null, {}, [long], true].map(id => ({ ...list, id }))
  for (const body of [...wrong, [list, wrong[0]], Array(51).fill(list)]) {
    const response = await send(body)
    const text = await response.text()
    expect([response.status, JSON.parse(text)]).toMatchObject([
      400,
      { jsonrpc: '2.0', id: null, error: { code: -32_600 } },
    ])
    expect(text.length).toBeLessThan(200)
  }
  expect((await listen(long)).status).toBe(400)
  expect(opened()).toBe(0)
  expect((await send({ ...list, id: 'x'.repeat(200) })).status).toBe(200)
})

test.each(names)('with %s, a call that takes too long is answered so', async name => {
  const { tool, count } = endless('read')
  const { answer, pass } = setUp(name, [tool])
  const text = answer('tools/call', { name: 'wait', arguments: {} }).then(response => response.text())
  await expect.poll(count).toBe(1)
  pass(maxCallMs)
  expect(await text).toContain('overloaded')
})

test.each(names)('with %s, a call that does not end though it was told to is cut a moment later', async name => {
  const { tool, count } = endless('write')
  const { answer, pass, exchanges } = setUp(name, [tool])
  const text = answer('tools/call', { name: 'wait', arguments: {} })
    .then(response => response.text())
    .catch(() => 'cut')
  await expect.poll(count).toBe(1)
  exchanges.revoked(someone.id)
  pass(endingMs)
  expect(await text).not.toContain('data:')
})

test.each(names)(
  'with %s, a client that does not read what it listens to is told once of all that changed, and of what changes then',
  async name => {
    const { listen, exchanges } = setUp(name)
    const reader = (await listen()).body!.pipeThrough(new TextDecoderStream()).getReader()
    const read = async () => (await reader.read()).value ?? ''
    expect(await read()).toContain('acknowledged')
    const change = (turn: number) => exchanges.changed({ ...someone, accounts: new Set(turn % 2 ? ['a'] : ['b']) })
    for (let round = 0; round < 3; round++) {
      for (let turn = 0; turn < 1000; turn++) change(turn)
      expect(await read()).toContain('list_changed')
      if (round > 0) continue
      // The reader is waiting when the next one comes.
      const next = read()
      change(0)
      expect(await next).toContain('list_changed')
    }
    exchanges.revoked(someone.id)
    expect(await read()).toContain('"complete"')
  },
)
