/** What the stream promises: order, replay without hole or double, visibility, and that a slow reader holds up nobody. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Fact, facts, states } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { openStream } from '../../test/support/open-stream.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import type { Database } from '../platform/database/database.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
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
async function hubOnHttp(options: Parameters<typeof startHub>[1] = {}, database?: Database) {
  const { hub, log, db } = await startHub(database, options)
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
    const accounts = url.searchParams.getAll('account_id')
    const filter = parseFilter({
      types: url.searchParams.get('types') ?? undefined,
      account_id: accounts.length > 0 ? accounts : undefined,
    })
    const socket = response.socket!
    response.detachSocket(socket)
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n')
    const lastEventId = request.headers['last-event-id'] as string | undefined
    void hub.subscribe({ principal, filter, socket, observer: observer(), lastEventId })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const open = (query = '', lastEventId?: string) =>
    openStream(`http://127.0.0.1:${port}/${query}`, lastEventId === undefined ? {} : { 'last-event-id': lastEventId })
  const as = (who: Principal) => {
    principal = who
  }
  /** Publishes and waits until the log has it. */
  const publish = async (...facts: Fact[]) => {
    const newest = log.newest + facts.length
    for (const fact of facts) hub.publish(fact)
    await expect.poll(() => log.newest, { interval: 1 }).toBe(newest)
  }
  return { hub, log, db, open, port, observed, as, publish }
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
    expect(received.id).toMatch(/^[0-9a-f]{8}-\d+$/)
  }
  for (const type of Object.keys(states) as (keyof typeof states)[]) {
    const event = sampleEvent(type)
    hub.publishState(event)
    const received = await stream.next(type)
    expect(received).toEqual({ id: undefined, event: type, data: event.data })
  }
})

test('a client that comes back has what it missed once, in order, before anything new', async () => {
  const { log, open, publish } = await hubOnHttp()
  await publish(...[1, 2, 3, 4, 5].map(uid => mail('a', uid)))
  const stream = await open('', log.idOf(2))
  expect((await stream.next('welcome')).data).toMatchObject({ epoch: log.epoch, resumed: true, replayed: 3 })
  await publish(mail('a', 6))
  for (const number of [3, 4, 5, 6]) expect((await stream.next('mail_received')).id).toBe(log.idOf(number))
})

test('an id that cannot be resumed is a gap that says why', async () => {
  const { log, open, publish } = await hubOnHttp({ keep: 3, heldInMemory: 2, keepMs: 100 * 365 * 24 * 60 * 60_000 })
  await publish(...[1, 2, 3, 4, 5].map(uid => mail('a', uid)))
  await log.prune()
  const reasons = {
    [log.idOf(1)]: 'expired',
    'e0-4': 'unknown_epoch',
    [log.idOf(99)]: 'unknown_epoch',
    rubbish: 'malformed',
    [`${log.epoch}-01`]: 'malformed',
  }
  for (const [id, reason] of Object.entries(reasons)) {
    const stream = await open('', id)
    expect((await stream.next('gap')).data).toEqual({ reason, oldest_id: log.idOf(3), newest_id: log.idOf(5) })
    stream.close()
  }
  const resumable = await open('', log.idOf(2))
  expect((await resumable.next('welcome')).data).toMatchObject({ resumed: true, replayed: 3 })
})

test('a reader comes back to the right place though it has had no fact, or only such as its filter hides', async () => {
  const { hub, log, open, port, publish } = await hubOnHttp()
  await publish(mail('a', 1))
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write('GET /?types=account_added HTTP/1.1\r\nHost: x\r\n\r\n')
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString()
  })
  await expect.poll(() => text).toContain(`\n\nid: ${log.idOf(1)}\n\n`)
  socket.destroy()
  await publish(mail('a', 2))
  const back = await open('', log.idOf(1))
  expect((await back.next('welcome')).data).toMatchObject({ resumed: true, replayed: 1 })
  expect((await back.next('mail_received')).id).toBe(log.idOf(2))
  expect(hub.streamCount).toBe(1)
})

test('a reader that is revoked, or goes, while its replay is being counted leaves nothing behind', async () => {
  const { hub, log, open, publish } = await hubOnHttp({ heldInMemory: 1, maxStreamsPerPrincipal: 2 })
  await publish(...[1, 2, 3].map(uid => mail('a', uid)))
  const streams = await Promise.all([open('', log.idOf(0)), open('', log.idOf(0))])
  expect(() => hub.checkRoom(admin)).toThrow(expect.objectContaining({ code: 'too_many_streams' }))
  hub.closeStreamsOf(admin.id)
  await Promise.all(streams.map(stream => stream.ended))
  expect(hub.streamCount).toBe(0)
  expect(() => hub.checkRoom(admin)).not.toThrow()
})

test('the newest state of each type comes right behind the welcome', async () => {
  const { hub, open } = await hubOnHttp()
  hub.publishState(sampleEvent('stats_update'))
  const stream = await open()
  await stream.next('stats_update')
  expect(stream.events.map(event => event.event)).toEqual(['welcome', 'stats_update'])
})

test('nobody sees what is not theirs: by scope, by account, by filter', async () => {
  const { hub, log, open, as, publish } = await hubOnHttp()
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
  await publish(mail('a', 1), mail('b', 2), added('a'), added('b'), sampleEvent('configuration_updated'))
  await hub.stop()
  await Promise.all(streams.map(stream => stream.ended))
  const seen = streams.map(stream =>
    stream.events.filter(event => event.id).map(event => Number(event.id!.split('-')[1])),
  )
  expect(seen).toEqual([[1], [3, 4, 5], [2], [1, 3, 5]])
  const listed = (who: Principal, limit: number) => hub.listFacts(who, limit).map(fact => fact.id)
  expect(listed(reader(['mail:read'], new Set(['a'])), 50)).toEqual([log.idOf(1)])
  expect(listed(reader(['dashboard:admin'], 'all'), 2)).toEqual([log.idOf(5), log.idOf(4)])
})

test('whatever is published, whenever clients come and go or the server starts anew, each fact arrives once and in order', async () => {
  const acts = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ act: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 60 }) }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('reconnect' as const), count: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('take' as const), count: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('restart' as const), count: fc.constant(0) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 14 }), async steps => {
      // So little is held in memory that most replays come from the database, in the middle of new facts.
      const options = { heldInMemory: 16 }
      let on = await hubOnHttp(options)
      const received: string[] = []
      let published = 0
      let stream = await on.open()
      await stream.next('welcome')
      const take = async (count: number) => {
        for (let index = 0; index < count; index++) received.push((await stream.next('mail_received')).id!)
      }
      const comeBack = async () => {
        stream.close()
        // What it took is what it has; the rest was on its way.
        stream = await on.open('', received.at(-1) ?? on.log.idOf(0))
      }
      for (const { act, count } of steps) {
        if (act === 'publish') for (let uid = 0; uid < count; uid++) on.hub.publish(mail('a', ++published))
        if (act === 'reconnect') await comeBack()
        if (act === 'take') await take(Math.ceil((published - received.length) / 2))
        if (act === 'restart') {
          await on.hub.stop()
          on = await hubOnHttp(options, on.db)
          await comeBack()
        }
      }
      await take(published - received.length)
      stream.close()
      expect(received).toEqual(Array.from({ length: published }, (_, index) => on.log.idOf(index + 1)))
    }),
    { numRuns: 20 },
  )
}, 60_000)

test('a long replay from the database comes whole, with what happens meanwhile behind it', async () => {
  const { hub, log, open, publish } = await hubOnHttp({ heldInMemory: 10 })
  await publish(...Array.from({ length: 2_300 }, (_, index) => mail('a', index + 1)))
  const stream = await open('', log.idOf(300))
  for (let uid = 2_301; uid <= 2_400; uid++) hub.publish(mail('a', uid))
  expect((await stream.next('welcome')).data).toMatchObject({ resumed: true, replayed: expect.any(Number) })
  for (let number = 301; number <= 2_400; number++)
    expect((await stream.next('mail_received')).id).toBe(log.idOf(number))
})

test('a reader that takes nothing is sent away, and another beside it gets everything', async () => {
  const { hub, open, port, observed } = await hubOnHttp({ heldInMemory: 100_000 })
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
  expect(hub.health).toMatchObject({ streams: 1, slow_consumers: 1 })
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
  await hub.stop()
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'shutdown' })
  await stream.ended
  expect(hub.streamCount).toBe(0)
})

test('the health of the streams says what a client saw: bytes, events, replays, gaps, and what the log holds', async () => {
  const { hub, log, open, port, publish } = await hubOnHttp({ heldInMemory: 2, maxStreams: 7 })
  expect(hub.health).toMatchObject({ streams: 0, sent: 0, bytes_sent: 0, log: { oldest: null, newest: 0, facts: 0 } })
  await publish(mail('a', 1), mail('a', 2), mail('a', 3))
  const back = await open('', log.idOf(1))
  for (const number of [2, 3]) expect((await back.next('mail_received')).id).toBe(log.idOf(number))
  back.close()
  const lost = await open('', 'rubbish')
  await lost.next('gap')
  lost.close()
  await expect.poll(() => hub.streamCount).toBe(0)

  const before = hub.health
  expect(before).toMatchObject({
    max_streams: 7,
    sent: 2,
    dropped: 0,
    replays: 1,
    replayed_facts: 2,
    gaps: 1,
    slow_consumers: 0,
    log: { epoch: log.epoch, oldest: 1, newest: 3, facts: 3, held_in_memory: 2 },
    heartbeat_seconds: 15,
  })
  // Two of this second; the clock began with the hub.
  expect(before.deliveries_per_second).toBeGreaterThan(0)
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  await expect.poll(() => text).toContain('event: welcome')
  await publish(mail('a', 4))
  await expect.poll(() => text).toContain(log.idOf(4))
  hub.closeStreams()
  await once(socket, 'end')
  const [, body] = text.split(/\r\n\r\n/)
  expect(hub.health.bytes_sent - before.bytes_sent).toBe(Buffer.byteLength(body!))
})

test('nothing in a fact can break a frame open', async () => {
  const { hub, open } = await hubOnHttp()
  const stream = await open()
  await stream.next('welcome')
  const folder = 'a\nid: evil\r\n\r\nevent: x\u0000\u2028'
  hub.publish({ type: 'mail_received', data: { ...sampleEvent('mail_received').data, folder } })
  expect((await stream.next('mail_received')).data).toMatchObject({ folder })
})
