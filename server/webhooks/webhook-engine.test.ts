/** The delivery: in order and at least once for each endpoint, over failures and ends of the process, and none holds up another. */
import { expect, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { answer, flood, hang, newSecret } from '../../test/support/webhook-sink.ts'
import { reader, webhookWorld } from '../../test/support/webhook-world.ts'
import { scopeSet } from '../platform/principal.ts'
import { secretContext } from './webhook-tables.ts'

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)
/** Those facts produce no message. */
const told = (uids: number[]) => uids.filter(uid => uid % 10 !== 9)

onEachDatabase(open => {
  test('each endpoint is told of what its principal sees, in order, once; and its place follows', async () => {
    const db = await open()
    const { add, deliver, until, sink, store, log, results, hub } = await webhookWorld(db)
    const [one, blind] = [await add('one'), await add('blind', { principal: reader('token-2', ['b']) })]
    await deliver(...range(1, 300))
    await until(one, ...told(range(1, 300)))
    expect(sink.uniqueIds(one)).toBe(270)
    expect(sink.of(blind)).toEqual([])
    expect(sink.of(one)[0]!.headers).toMatchObject({ 'x-endpoint': one.id, 'user-agent': 'RustyMail/0' })
    await vi.waitFor(async () => expect((await store.find(one.id))!.place).toBe(log.newest))
    expect(results.filter(result => result === 'delivered').length).toBe(270)
    expect(sink.faults).toEqual([])
    expect(hub.places.newest).toBe(log.newest)
  })

  test('what fails is tried again, in its order; 413 is given up, and 410 ends the endpoint', async () => {
    const { add, deliver, until, sink, store, engine, results } = await webhookWorld(await open())
    const one = await add('one')
    sink.answers.set(one.path, [answer(503, { 'retry-after': '1' }), answer(302, { location: 'https://x.test/' })])
    await deliver(1, 2)
    await vi.waitFor(() => expect(engine.find(one.id)!.failures).toBeGreaterThan(0))
    await until(one, 1, 2)
    expect(engine.find(one.id)).toMatchObject({ failures: 0, failing_since: null, last_fault: null })
    expect(sink.asked.length).toBe(4)
    sink.answers.set(one.path, [answer(413)])
    await deliver(3, 4)
    await until(one, 1, 2, 4)
    sink.answers.set(one.path, [answer(410)])
    await deliver(5, 6)
    await until(one, 1, 2, 4, 'gone')
    await vi.waitFor(async () => expect(await store.list()).toEqual([]))
    expect(results).toEqual(['retried', 'retried', ...Array(2).fill('delivered'), 'abandoned', 'delivered', 'ended'])
  })

  test('an end of the process loses nothing: what was not stored as taken comes again, with the same id', async () => {
    const db = await open()
    const { add, deliver, until, sink, stop, start, log, store } = await webhookWorld(db)
    const one = await add('one')
    await deliver(1, 2, 3)
    await until(one, 1, 2, 3)
    await stop()
    await deliver(4, 5)
    // As a kill leaves it: delivered, and not stored.
    await store.renew(one.id, { place: log.newest - 4 })
    await start()
    await until(one, 1, 2, 3, 2, 3, 4, 5)
    const ids = sink.of(one).map(({ id }) => id)
    expect(ids.slice(1, 3)).toEqual(ids.slice(3, 5))
  })

  test('endpoints that hang, or answer without an end, hold up no other', async () => {
    const { add, deliver, until, sink } = await webhookWorld(await open(), { bounds: { atOnce: 4 } })
    const hanging = [await add('h1'), await add('h2')]
    for (const { path } of hanging) sink.always.set(path, hang)
    await deliver(1)
    await vi.waitFor(() => expect(hanging.every(({ path }) => sink.asked.includes(path))).toBe(true))
    const [fine, floods] = [await add('fine'), await add('floods')]
    sink.answers.set(
      floods.path,
      range(0, 3).map(() => flood),
    )
    await deliver(2, 3, 4)
    await until(fine, 2, 3, 4)
    await vi.waitFor(() => expect(sink.asked.filter(path => path === floods.path).length).toBe(3))
  })

  test('an endpoint that is behind the log is told of the gap, and goes on where the log begins; the log waits for it within bounds', async () => {
    const { add, deliver, until, log, store } = await webhookWorld(await open(), { heldInMemory: 4, keep: 5 })
    const kept = await add('kept', { next_try_at: new Date(Date.now() + 3_600_000).toISOString() })
    await deliver(...range(10, 8))
    await log.prune()
    expect(log.oldest).toBeLessThanOrEqual(kept.row.place + 1)
    await deliver(...range(20, 18))
    await log.prune()
    // Four times what is kept: no reader holds the log forever.
    expect(log.oldest).toBe(log.newest - 19)
    const late = await add('late', { place: kept.row.place })
    await until(late, log.oldest - 1, ...told([16, 17, ...range(20, 18)]))
    await store.remove(kept.id)
  })

  test('its principal decides: narrowed it hears less, revoked it is told so and ends', async () => {
    const { add, deliver, deliverTo, until, engine, store, standing } = await webhookWorld(await open())
    const one = await add('one', { principal: reader('token-1', ['a', 'b']) })
    await deliver(1)
    await until(one, 1)
    engine.changed(reader('token-1', ['b']))
    await deliver(2)
    await deliverTo('b', 20)
    await until(one, 1, 20)
    engine.changed(reader('token-1', ['a']))
    await deliver(3)
    await until(one, 1, 20, 3)
    engine.changed({ ...reader(), scopes: scopeSet(['dashboard:read']) })
    await until(one, 1, 20, 3, 'forbidden')
    await vi.waitFor(async () => expect(await store.list()).toEqual([]))
    const other = await add('other')
    engine.revoked('token-1')
    await deliver(4)
    await until(other, 'forbidden')
    const frozen = await add('frozen')
    engine.endWhere(({ id }) => id === 'token-1')
    await until(frozen, 'forbidden')
    expect(standing.size).toBe(1)
  })

  test('a token that was revoked while the process was down ends at the start; what expired is removed and told nothing', async () => {
    const { add, stop, start, until, store, standing, sink } = await webhookWorld(await open())
    const [one, expired] = [await add('one'), await add('two', { principal: reader('token-2') })]
    await stop()
    standing.set('token-1', undefined)
    await store.renew(expired.id, { expires_at: new Date(Date.now() - 1).toISOString() })
    await start()
    await until(one, 'forbidden')
    await vi.waitFor(async () => expect(await store.list()).toEqual([]))
    expect(sink.of(expired)).toEqual([])
  })

  test('after a change of the secret both sign, until the time of the old one is over', async () => {
    const { add, deliver, until, sink, secrets, store, engine, clock } = await webhookWorld(await open())
    const one = await add('one')
    const next = newSecret()
    const until2 = new Date(Date.now() + 600_000).toISOString()
    const rotated = {
      secret_sealed: secrets.seal(next, secretContext(one.id)),
      previous_sealed: one.row.secret_sealed,
      previous_until: until2,
    }
    await store.renew(one.id, rotated)
    await engine.put({ ...one.row, ...rotated }, reader())
    await deliver(1)
    await until(one, 1)
    sink.secrets.set(one.path, [next])
    await deliver(2)
    await until(one, 1, 2)
    expect(sink.of(one).map(({ headers }) => String(headers['webhook-signature']).split(' ').length)).toEqual([2, 2])
    clock.skipped = 700_000
    // Their time is that of the sink again.
    await vi.waitFor(async () => expect((await store.find(one.id))!.previous_sealed).toBeNull())
    clock.skipped = 0
    await deliver(3)
    await until(one, 1, 2, 3)
    expect(String(sink.of(one)[2]!.headers['webhook-signature']).split(' ').length).toBe(1)
  })

  test('an endpoint that took nothing for three days is given up', async () => {
    const { add, deliver, sink, store, clock, engine } = await webhookWorld(await open())
    const one = await add('one')
    sink.always.set(one.path, answer(500))
    await deliver(1)
    await vi.waitFor(() => expect(engine.find(one.id)!.failures).toBe(1))
    clock.skipped = 3 * 86_400_000 + 1_000
    await engine.put({ ...(await store.find(one.id))! }, reader())
    await vi.waitFor(async () => expect((await store.find(one.id))?.ending ?? 'none').toContain('failed'))
  })

  test('an endpoint that was away for 75 minutes gets all of it, in order', async () => {
    const { add, deliver, until, sink, stop, start, clock, engine, store } = await webhookWorld(await open())
    const one = await add('one')
    await sink.close()
    const uids = told(range(1, 400))
    await deliver(...range(1, 100))
    await vi.waitFor(() => expect(engine.find(one.id)!.last_fault).toBe('connection_refused'))
    // By then it is retried every ten minutes, and the process was restarted in between.
    await stop()
    await store.renew(one.id, { failures: 12, next_try_at: null })
    await deliver(...range(101, 300))
    clock.skipped = 75 * 60_000
    const next = await start()
    await vi.waitFor(() => expect(next.engine.find(one.id)!.failures).toBe(13))
    const { next_try_at: at, failing_since: since } = next.engine.find(one.id)!
    expect(Date.parse(at!) - Date.now() - clock.skipped).toBeGreaterThan(60_000)
    expect(Date.parse(since!)).toBeLessThan(Date.now() + 1)
    await sink.listen()
    // The time of the sink is that of its clock, and the next attempt is due.
    clock.skipped = 0
    await next.engine.restart(one.id, { next_try_at: null }, reader())
    await until(one, ...uids)
    expect(sink.uniqueIds(one)).toBe(uids.length)
    expect(next.engine.find(one.id)).toMatchObject({ failures: 0, failing_since: null, last_fault: null })
  })

  test('an endpoint that never answers is told as that, and asked again', async () => {
    const { add, deliver, until, sink, engine } = await webhookWorld(await open(), { timeoutMs: 100 })
    const one = await add('one')
    sink.answers.set(one.path, [hang])
    await deliver(1)
    await vi.waitFor(() => expect(engine.find(one.id)!.last_fault).toBe('timeout'))
    await until(one, 1)
  })

  test('what a connected client asked for outlives its access tokens, and ends with the connection', async () => {
    const { add, deliver, until, engine, clock, store } = await webhookWorld(await open())
    const hour = 3_600_000
    const access = (endsIn: number) => ({ ...reader(), audience: 'https://mail.test', endsAt: Date.now() + endsIn })
    const one = await add('one')
    await engine.put(one.row, access(hour))
    engine.changed(access(hour / 2))
    // Both are checked in one pass: once this one is gone, the other has been kept.
    const witness = await add('witness', { expires_at: new Date(Date.now() + hour).toISOString() })
    clock.skipped = hour + 1
    await vi.waitFor(() => expect(engine.find(witness.id)).toBeUndefined())
    // Their time is that of the sink again.
    clock.skipped = 0
    await deliver(1)
    await until(one, 1)
    engine.revoked('token-1')
    await until(one, 1, 'forbidden')
    await vi.waitFor(async () => expect(await store.list()).toEqual([]))
  })
})
