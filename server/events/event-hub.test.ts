/** The stream's promises: every event type, visibility, a goodbye, and that a slow reader delays no one else. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Fact, facts, type State, states } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { admin, hubOnHttp } from '../../test/support/hub-on-http.ts'
import { mailFact as mail, sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import type { FactQuery } from './event-facts.ts'

function reader(scopes: Scope[], accounts: Principal['accounts']): Principal {
  return { id: 'reader', name: 'Reader', kind: 'api_key', userId: null, scopes: scopeSet(scopes), accounts }
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
    hub.publishState(event as State)
    const received = await stream.next(type)
    expect(received).toEqual({ id: undefined, event: type, data: event.data })
  }
})

test('the newest state of each type comes right behind the welcome', async () => {
  const { hub, open } = await hubOnHttp()
  hub.publishState(sampleEvent('stats_update'))
  const stream = await open()
  await stream.next('stats_update')
  expect(stream.events.map(event => event.event)).toEqual(['welcome', 'stats_update'])
})

test('a stream gets only what is visible to it: by scope, by account, by filter', async () => {
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
  const listed = (who: Principal, limit: number) => hub.listFacts(who, limit).then(items => items.map(fact => fact.id))
  expect(await listed(reader(['mail:read'], new Set(['a'])), 50)).toEqual([log.idOf(1)])
  expect(await listed(reader(['dashboard:admin'], 'all'), 2)).toEqual([log.idOf(5), log.idOf(4)])
})

test('facts are listed by type and account, and on from one that is known', async () => {
  const { hub, log, publish } = await hubOnHttp()
  await publish(mail('a', 1), mail('b', 2), sampleEvent('configuration_updated'), mail('a', 4))
  const listed = (who: Principal, query: FactQuery, limit = 50) =>
    hub.listFacts(who, limit, query).then(items => items.map(({ id }) => Number(id.split('-')[1])))
  expect(await listed(admin, { types: 'mail_received' })).toEqual([4, 2, 1])
  // A fact of no account does not match an account either.
  expect(await listed(admin, { account_id: 'a' })).toEqual([4, 1])
  expect(await listed(admin, { before: log.idOf(4) }, 2)).toEqual([3, 2])
  expect(await listed(admin, { before: log.idOf(1) })).toEqual([])
  // Naming an account grants no access to it.
  expect(await listed(reader(['mail:read'], new Set(['a'])), { account_id: ['a', 'b'] })).toEqual([4, 1])
  expect(await listed(reader(['dashboard:admin'], 'all'), { types: 'mail_received' })).toEqual([])
  for (const query of [{ before: 'nonsense' }, { before: 'other-1' }, { types: 'nothing' }]) {
    await expect(listed(admin, query)).rejects.toThrow(expect.objectContaining({ code: 'bad_request' }))
  }
})

test('the states of an account come with each start, and with the last sign of the run before', async () => {
  const { hub, publish } = await hubOnHttp()
  const at = (second: number) => `2026-11-28T08:00:0${second}.000Z`
  const began = (second: number): Fact => ({ type: 'server_started', data: { version: '1', at: at(second) } })
  const changed = (account_id: string, second: number): Fact => {
    const { data } = sampleEvent('account_state_changed')
    return { type: 'account_state_changed', data: { ...data, account_id, at: at(second) } }
  }
  await publish(began(0), changed('a', 1), changed('b', 2), began(5), changed('a', 6))
  expect(hub.stateSigns('a')).toMatchObject([
    { kind: 'started', at: at(0), seenAt: undefined },
    { kind: 'changed', data: { at: at(1) } },
    { kind: 'started', at: at(5), seenAt: at(2) },
    { kind: 'changed', data: { at: at(6) } },
  ])
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
  // The kernel buffers some megabytes before it reports back-pressure.
  while (observed.closed === 0 && published < 5000) {
    for (let index = 0; index < 50; index++)
      hub.publish({ type: 'mail_received', data: { ...sampleEvent('mail_received').data, folder, uid: ++published } })
    await expect.poll(() => good.events.filter(event => event.event === 'mail_received').length).toBe(published)
  }
  expect(observed.closed).toBe(1)
  expect(hub.healthFor(admin)).toMatchObject({ streams: 1, slow_consumers: 1 })
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

test('all sessions and tokens of a person have their streams together', async () => {
  const { hub, open, as } = await hubOnHttp({ maxStreamsPerPrincipal: 2 })
  const of = (id: string, userId: string | null) => ({ ...admin, id, userId })
  as(of('session', 'ann'))
  await open()
  as(of('token', 'ann'))
  const second = await open()
  const tooMany = expect.objectContaining({ code: 'too_many_streams' })
  for (const id of ['session', 'token', 'another']) expect(() => hub.checkRoom(of(id, 'ann'))).toThrow(tooMany)
  for (const other of [of('x', 'bob'), of('api-key', null)]) expect(() => hub.checkRoom(other)).not.toThrow()
  second.close()
  await expect.poll(() => hub.streamCount).toBe(1)
  expect(() => hub.checkRoom(of('another', 'ann'))).not.toThrow()
  hub.closeStreamsOf('token')
  expect(hub.streamCount).toBe(1)
})

test('a revoked principal and a stopping server end streams with a goodbye', async () => {
  const { hub, open, as } = await hubOnHttp()
  const revoked = await open()
  await revoked.next('welcome')
  hub.closeStreamsOf(admin.id)
  expect((await revoked.next('goodbye')).data).toEqual({ reason: 'revoked', reconnect_in_ms: 0 })
  await revoked.ended
  as({ ...admin, id: 'another' })
  const stream = await open()
  await stream.next('welcome')
  await hub.stop()
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'shutdown' })
  await stream.ended
  expect(hub.streamCount).toBe(0)
})

test('the health of the streams says what a client saw: bytes, events, replays, gaps, and what the log holds', async () => {
  const { hub, log, open, port, publish } = await hubOnHttp({ heldInMemory: 2, maxStreams: 7 })
  expect(hub.healthFor(admin)).toMatchObject({
    streams: 0,
    sent: 0,
    bytes_sent: 0,
    log: { oldest: null, newest: 0, facts: 0 },
  })
  await publish(mail('a', 1), mail('a', 2), mail('a', 3))
  const back = await open('', log.idOf(1))
  for (const number of [2, 3]) expect((await back.next('mail_received')).id).toBe(log.idOf(number))
  back.close()
  const lost = await open('', 'rubbish')
  await lost.next('gap')
  lost.close()
  await expect.poll(() => hub.streamCount).toBe(0)

  const before = hub.healthFor(admin)
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
  const listed = hub.healthFor({ ...admin, accounts: new Set(['a']) })
  expect(listed, 'what grows with facts of any account').toMatchObject({
    replays: 1,
    deliveries_per_second: null,
    sent: null,
    bytes_sent: null,
    replayed_facts: null,
    log: null,
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
  expect(hub.healthFor(admin).bytes_sent! - before.bytes_sent!).toBe(Buffer.byteLength(body!))
})

test('nothing in a fact can break a frame open', async () => {
  const { hub, open } = await hubOnHttp()
  const stream = await open()
  await stream.next('welcome')
  const folder = 'a\nid: evil\r\n\r\nevent: x\u0000\u2028'
  hub.publish({ type: 'mail_received', data: { ...sampleEvent('mail_received').data, folder } })
  expect((await stream.next('mail_received')).data).toMatchObject({ folder })
})
