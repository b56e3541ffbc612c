/** What the stream promises: order, replay without hole or double, visibility, and that a slow reader holds up nobody. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Fact, facts, states } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { openStream } from '../../test/support/open-stream.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { EventHub } from './event-hub.ts'
import { EventLog } from './event-log.ts'
import type { StreamObserver } from './event-stream.ts'
import { parseFilter } from './event-view.ts'

const admin: Principal = { id: 'admin', name: 'Admin', kind: 'session', scopes: everyScope, accounts: 'all' }

function mail(accountId: string, uid: number): Fact {
  return {
    type: 'mail_received',
    data: { account_id: accountId, folder: 'INBOX', uid, uid_validity: 1, at: new Date(0).toISOString() },
  }
}

function reader(scopes: Scope[], accounts: Principal['accounts']): Principal {
  return { id: 'reader', name: 'Reader', kind: 'api_key', scopes: scopeSet(scopes), accounts }
}

/** A hub behind a real HTTP server; `as` says who the next stream belongs to. */
async function hubOnHttp({ capacity = 1000, maxStreamsPerPrincipal = 50 } = {}) {
  const log = new EventLog('e1', capacity)
  const hub = new EventHub({
    log,
    logger: createLogger('silent'),
    heartbeatSeconds: 15,
    maxStreams: 100,
    maxStreamsPerPrincipal,
  })
  const observed = { sent: 0, dropped: 0, closed: 0 }
  let principal = admin
  const observer = (): StreamObserver => ({
    clientId: 'c1',
    sent: count => {
      observed.sent += count
    },
    dropped: count => {
      observed.dropped += count
    },
    closed: () => {
      observed.closed += 1
    },
  })
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x')
    const query = {
      types: url.searchParams.get('types') ?? undefined,
      account_id: url.searchParams.getAll('account_id'),
    }
    const filter = parseFilter({ ...query, account_id: query.account_id.length > 0 ? query.account_id : undefined })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    hub.subscribe(principal, filter, response, observer(), request.headers['last-event-id'] as string | undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    hub.stop()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const open = (query = '', lastEventId?: string) =>
    openStream(`http://127.0.0.1:${port}/${query}`, lastEventId === undefined ? {} : { 'last-event-id': lastEventId })
  const as = (who: Principal) => {
    principal = who
  }
  return { hub, log, open, port, observed, as }
}

test('every type of event reaches a real stream, as the contract describes it', async () => {
  const { hub, open } = await hubOnHttp()
  const stream = await open()
  await stream.next('welcome')
  for (const type of Object.keys(facts) as (keyof typeof facts)[]) {
    const event = sampleEvent(type)
    hub.publish(event as Fact)
    const received = await stream.next(type)
    expect(facts[type].data.parse(received.data)).toEqual(event.data)
    expect(received.id).toMatch(/^e1-\d+$/)
  }
  for (const type of Object.keys(states) as (keyof typeof states)[]) {
    const event = sampleEvent(type)
    hub.publishState(event)
    const received = await stream.next(type)
    expect(received).toEqual({ id: undefined, event: type, data: event.data })
  }
})

test('a client that comes back has what it missed once, in order, before anything new', async () => {
  const { hub, open } = await hubOnHttp()
  for (let uid = 1; uid <= 5; uid++) hub.publish(mail('a', uid))
  const stream = await open('', 'e1-2')
  expect((await stream.next('welcome')).data).toMatchObject({ epoch: 'e1', resumed: true, replayed: 3 })
  hub.publish(mail('a', 6))
  for (const number of [3, 4, 5, 6]) expect((await stream.next('mail_received')).id).toBe(`e1-${number}`)
})

test('an id that cannot be resumed is a gap that says why', async () => {
  const { hub, open } = await hubOnHttp({ capacity: 3 })
  for (let uid = 1; uid <= 5; uid++) hub.publish(mail('a', uid))
  const reasons = {
    'e1-1': 'expired',
    'e0-4': 'unknown_epoch',
    'e1-99': 'unknown_epoch',
    rubbish: 'malformed',
    'e1-01': 'malformed',
  }
  for (const [id, reason] of Object.entries(reasons)) {
    const stream = await open('', id)
    expect((await stream.next('gap')).data).toEqual({ reason, oldest_id: 'e1-3', newest_id: 'e1-5' })
    stream.close()
  }
  const resumable = await open('', 'e1-2')
  expect((await resumable.next('welcome')).data).toMatchObject({ resumed: true, replayed: 3 })
})

test('the newest state of each type comes right behind the welcome', async () => {
  const { hub, open } = await hubOnHttp()
  hub.publishState(sampleEvent('stats_update'))
  const stream = await open()
  await stream.next('stats_update')
  expect(stream.events.map(event => event.event)).toEqual(['welcome', 'stats_update'])
})

test('nobody sees what is not theirs: by scope, by account, by filter', async () => {
  const { hub, open, as } = await hubOnHttp()
  const see = async (who: Principal, query = '') => {
    as(who)
    const stream = await open(query)
    await stream.next('welcome')
    return stream
  }
  const streams = [
    await see(reader(['mail:read'], new Set(['a']))),
    await see(reader(['dashboard:admin'], 'all')),
    await see(admin, '?types=mail_received&account_id=b'),
    await see(admin, '?account_id=a'),
  ]
  const added = (id: string) => ({
    ...sampleEvent('account_added'),
    data: { ...sampleEvent('account_added').data, account_id: id },
  })
  hub.publish(mail('a', 1))
  hub.publish(mail('b', 2))
  hub.publish(added('a'))
  hub.publish(added('b'))
  hub.publish(sampleEvent('configuration_updated'))
  hub.stop()
  await Promise.all(streams.map(stream => stream.ended))
  const seen = streams.map(stream =>
    stream.events.filter(event => event.id).map(event => Number(event.id!.split('-')[1])),
  )
  expect(seen).toEqual([[1], [3, 4, 5], [2], [1, 3, 5]])
  const listed = (who: Principal, limit: number) => hub.listFacts(who, limit).map(fact => fact.id)
  expect(listed(reader(['mail:read'], new Set(['a'])), 50)).toEqual(['e1-1'])
  expect(listed(reader(['dashboard:admin'], 'all'), 2)).toEqual(['e1-5', 'e1-4'])
})

test('whatever is published, whenever clients come and go, each fact arrives once and in order', async () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ act: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('reconnect' as const), count: fc.constant(0) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      const { hub, log, open } = await hubOnHttp()
      const received: string[] = []
      let stream = await open()
      await stream.next('welcome')
      const take = async () => {
        const missing = log.newest - received.length
        for (let index = 0; index < missing; index++) received.push((await stream.next('mail_received')).id!)
      }
      for (const { act, count } of steps) {
        for (let uid = 0; uid < count; uid++) hub.publish(mail('a', uid))
        if (act === 'reconnect') {
          // Leaves in the middle of what was just published; what it took is what it has.
          stream.close()
          const last = received.at(-1)
          stream = await open('', last ?? 'e1-0')
        } else if (count % 2 === 0) await take()
      }
      await take()
      stream.close()
      expect(received).toEqual(Array.from({ length: log.newest }, (_, index) => `e1-${index + 1}`))
    }),
    { numRuns: 25 },
  )
})

test('a reader that takes nothing is sent away, and another beside it gets everything', async () => {
  const { hub, open, port, observed } = await hubOnHttp({ capacity: 100_000 })
  const stalled = connect(port, '127.0.0.1')
  onTestFinished(() => void stalled.destroy())
  stalled.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  stalled.pause()
  const good = await open()
  await good.next('welcome')
  const folder = 'x'.repeat(8000)
  let published = 0
  // The kernel takes some megabytes before it says that it is full.
  while (observed.closed === 0 && published < 5000) {
    for (let index = 0; index < 50; index++)
      hub.publish({ type: 'mail_received', data: { ...sampleEvent('mail_received').data, folder, uid: ++published } })
    await expect.poll(() => good.events.filter(event => event.event === 'mail_received').length).toBe(published)
  }
  expect(observed.closed).toBe(1)
  expect(hub.streamCount).toBe(1)
  expect(published).toBeLessThan(5000)
})

test('a principal cannot open streams without end, and has room again when one closes', async () => {
  const { hub, open } = await hubOnHttp({ maxStreamsPerPrincipal: 2 })
  const first = await open()
  await open()
  expect(() => hub.checkRoom(admin)).toThrow(expect.objectContaining({ code: 'too_many_streams' }))
  first.close()
  await expect.poll(() => hub.streamCount).toBe(1)
  expect(() => hub.checkRoom(admin)).not.toThrow()
})

test('a revoked principal and a stopping server end streams with a goodbye', async () => {
  const { hub, open } = await hubOnHttp()
  const revoked = await open()
  await revoked.next('welcome')
  hub.closeStreamsOf(admin.id)
  expect((await revoked.next('goodbye')).data).toEqual({ reason: 'revoked', reconnect_in_ms: 0 })
  await revoked.ended
  const stream = await open()
  await stream.next('welcome')
  hub.stop()
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'shutdown' })
  await stream.ended
  expect(hub.streamCount).toBe(0)
})

test('nothing in a fact can break a frame open', async () => {
  const { hub, open } = await hubOnHttp()
  const stream = await open()
  await stream.next('welcome')
  const folder = 'a\nid: evil\r\n\r\nevent: x\u0000\u2028'
  hub.publish({ type: 'mail_received', data: { ...sampleEvent('mail_received').data, folder } })
  expect((await stream.next('mail_received')).data).toMatchObject({ folder })
})
