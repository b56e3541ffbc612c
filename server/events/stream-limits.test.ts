/** When a stream is ended by the server: at its age, when its reader takes nothing, and where there are too many. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { heldStreams, turns } from '../../test/support/held-streams.ts'
import { admin } from '../../test/support/hub-on-http.ts'
import { mailFact as mail, sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { EventView } from './event-view.ts'
import { StreamFigures } from './stream-figures.ts'
import { StreamSweep } from './stream-sweep.ts'

/** With timers that the test moves. */
async function world(options: Parameters<typeof heldStreams>[0] = {}) {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const pass = async (ms: number) => {
    vi.advanceTimersByTime(ms)
    await turns()
  }
  return { ...(await heldStreams(options)), pass }
}

test('a stream ends at its age, which differs by a fifth, and is told when to come back', async () => {
  const { hub, subscribe, pass } = await world({ maxStreamAgeMs: 60_000 })
  const random = vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(1)
  const [young, old] = [subscribe(), subscribe()]
  random.mockReturnValue(0.5)
  await pass(47_500)
  expect([young.writableEnded, old.writableEnded]).toEqual([false, false])
  await pass(500)
  expect([young.writableEnded, old.writableEnded]).toEqual([true, false])
  expect(young.text).toMatch(/retry: 2500\nevent: goodbye\ndata: {"reason":"max_age","reconnect_in_ms":2500}\n\n$/)
  await pass(23_500)
  expect(old.writableEnded).toBe(false)
  await pass(500)
  expect(old.writableEnded).toBe(true)
  expect(hub.streamCount).toBe(0)
})

test('a reader that takes nothing for ten seconds is cut, and one that took something in between is not', async () => {
  const { hub, subscribe, tell, pass } = await world()
  const [slow, slower] = [subscribe(), subscribe({ ...admin, id: 'other' })]
  for (const reader of [slow, slower]) reader.hold()
  const written = vi.spyOn(slower, 'write')
  await tell(mail('a', 1))
  await pass(6_000)
  slow.takeOne()
  await turns()
  // Written although it takes nothing, which gives it no more time.
  hub.changePrincipal({ ...admin, id: 'other', name: 'Another name' })
  await tell(mail('a', 2))
  await pass(4_000)
  expect([slow.destroyed, slower.destroyed]).toEqual([false, false])
  await pass(500)
  expect([slow.destroyed, slower.destroyed]).toEqual([false, true])
  expect(String(written.mock.lastCall?.[0])).toContain('"reason":"slow_consumer"')
  expect(hub.healthFor(admin)).toMatchObject({ streams: 1, slow_consumers: 1 })
  await pass(6_000)
  expect(slow.destroyed).toBe(true)
})

test('a reader that does not take its goodbye is cut after five seconds, and no timer is left for one that does', async () => {
  const { hub, subscribe, pass } = await world()
  const [good, bad] = [subscribe(), subscribe()]
  bad.hold()
  await hub.stop()
  await turns()
  expect(good.text).toContain('event: goodbye')
  good.destroy()
  await turns()
  // Those of the hub ended with it.
  expect(vi.getTimerCount()).toBe(1)
  await pass(4_999)
  expect(bad.destroyed).toBe(false)
  await pass(1)
  expect(bad.destroyed).toBe(true)
})

test('a blocked reader gets no heartbeat, and what waits for it when it is cut counts as dropped', async () => {
  const { hub, subscribe, tell, pass } = await world({ heartbeatSeconds: 1 })
  const [reader, beside] = [subscribe(), subscribe()]
  reader.hold()
  await tell(mail('a', 1))
  hub.publishState(sampleEvent('stats_update'))
  const written = vi.spyOn(reader, 'write')
  for (let second = 0; second < 3; second++) await pass(1_000)
  expect(beside.text.match(/^event: heartbeat$/gm)).toHaveLength(3)
  // The place is sent at the beginning, with the fact, and once after it.
  expect(beside.text.match(/^id: /gm)).toHaveLength(3)
  expect(written).not.toHaveBeenCalled()
  expect(hub.healthFor(admin).dropped).toBe(0)
  await pass(8_000)
  expect(reader.destroyed).toBe(true)
  expect(hub.healthFor(admin).dropped).toBe(1)
})

test('past the bound of all streams every principal is told to try later', async () => {
  const { hub, subscribe } = await world({ maxStreams: 2 })
  subscribe()
  expect(() => hub.checkRoom({ ...admin, id: 'other' })).not.toThrow()
  const second = subscribe()
  expect(() => hub.checkRoom({ ...admin, id: 'other' })).toThrow(expect.objectContaining({ code: 'overloaded' }))
  second.destroy()
  await turns()
  expect(() => hub.checkRoom({ ...admin, id: 'other' })).not.toThrow()
})

test('the rate of deliveries is that of the last minute, and none is measured after the end', async () => {
  const mark = vi.spyOn(StreamFigures.prototype, 'mark')
  const { hub, pass } = await world()
  const before = mark.mock.calls.length
  await pass(3_000)
  expect(mark.mock.calls.length).toBe(before + 3)
  hub.closeStreams()
  await pass(3_000)
  expect(mark.mock.calls.length).toBe(before + 3)
})

test('a reader whose connection breaks ends its stream, and a listener that fails ends nothing', async () => {
  const { hub, subscribe, tell } = await world()
  const reader = subscribe()
  const heard: number[] = []
  hub.listen('mail_received', () => {
    throw new Error('on purpose')
  })
  const stop = hub.listen('mail_received', ({ uid }) => heard.push(uid))
  await tell(mail('a', 1))
  expect([heard, reader.numbers]).toEqual([[1], [1]])
  stop()
  reader.destroy(new Error('connection reset'))
  await tell(mail('a', 2))
  expect([heard, hub.streamCount]).toEqual([[1], 0])
})

test('at a stop the clients of many streams come back spread over half a minute, and no later', async () => {
  const { hub, subscribe } = await world()
  vi.spyOn(Math, 'random').mockReturnValueOnce(0.5).mockReturnValue(1)
  const [first, second] = [subscribe(), subscribe()]
  vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValue(1)
  vi.spyOn(StreamSweep.prototype, 'size', 'get').mockReturnValue(20_000)
  hub.closeStreams()
  expect(first.text).toContain('"reconnect_in_ms":1000}')
  expect(second.text).toContain('"reconnect_in_ms":31000}')
})

test('what a view has cached is released with its last stream, whether that ends or sees other facts from then on', async () => {
  const { hub, subscribe } = await world()
  const retired = vi.spyOn(EventView.prototype, 'retire')
  const token = (id: string, account: string): Principal => ({
    ...{ id, name: id, kind: 'token', userId: null, scopes: scopeSet(['mail:meta']), accounts: new Set([account]) },
  })
  const accounts = () => retired.mock.contexts.map(view => view instanceof EventView && view.accounts)
  const reader = subscribe(token('token-1', 'a'))
  const beside = subscribe(token('token-2', 'b'))
  hub.changePrincipal(token('token-1', 'b'))
  expect(accounts()).toEqual([['a']])
  reader.destroy()
  await turns()
  expect(accounts()).toEqual([['a']])
  beside.destroy()
  await turns()
  expect(accounts()).toEqual([['a'], ['b']])
})
