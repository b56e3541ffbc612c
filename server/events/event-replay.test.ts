/** Who comes back to a stream has what it missed, once and in order, or a gap says why not. */
import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import { admin, hubOnHttp } from '../../test/support/hub-on-http.ts'
import { mailFact as mail, sampleEvent } from '../../test/support/sample-events.ts'

/** Facts are dated 1970 here: with this age none is old. */
const centuryMs = 100 * 365 * 24 * 60 * 60_000

test('a client that comes back has what it missed once, in order, before anything new', async () => {
  const { log, open, publish } = await hubOnHttp()
  await publish(...[1, 2, 3, 4, 5].map(uid => mail('a', uid)))
  const stream = await open('', log.idOf(2))
  expect((await stream.next('welcome')).data).toMatchObject({ epoch: log.epoch, resumed: true, replayed: 3 })
  await publish(mail('a', 6))
  for (const number of [3, 4, 5, 6]) expect((await stream.next('mail_received')).id).toBe(log.idOf(number))
})

test('an id that cannot be resumed is a gap that says why', async () => {
  const { log, open, publish } = await hubOnHttp({ keep: 3, heldInMemory: 2, keepMs: centuryMs })
  await publish(...[1, 2, 3, 4, 5].map(uid => mail('a', uid)))
  await log.prune()
  const reasons = {
    [log.idOf(1)]: 'expired',
    'e0-4': 'unknown_epoch',
    [log.idOf(99)]: 'unknown_epoch',
    rubbish: 'malformed',
    [`${log.epoch}-01`]: 'malformed',
    [`${log.epoch}-${'9'.repeat(16)}`]: 'malformed',
  }
  for (const [id, reason] of Object.entries(reasons)) {
    const stream = await open('', id)
    expect((await stream.next('gap')).data).toEqual({ reason, oldest_id: log.idOf(3), newest_id: log.idOf(5) })
    stream.close()
  }
  const resumable = await open('', log.idOf(2))
  expect((await resumable.next('welcome')).data).toMatchObject({ resumed: true, replayed: 3 })
})

test('a gap of a log without facts names none', async () => {
  const { open } = await hubOnHttp()
  const stream = await open('', 'rubbish')
  expect((await stream.next('gap')).data).toEqual({ reason: 'malformed', oldest_id: null, newest_id: null })
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
  expect(() => hub.checkRoom(admin)).toThrow(expect.objectContaining({ code: 'unauthorized' }))
  hub.changePrincipal(admin)
  expect(() => hub.checkRoom(admin)).not.toThrow()
})

test('whatever is published or forgotten, whenever a client comes back or the server starts over, each fact arrives once and in order, or a gap says truly that it is lost', async () => {
  const acts = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('publish'), fc.integer({ min: 1, max: 60 })) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('reconnect'), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('take'), fc.constant(0)) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('expire'), fc.integer({ min: 1, max: 60 })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('restart'), fc.constant(0)) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 20, size: 'max' }), async steps => {
      // Memory holds so little that most replays come from the database, interleaved with new facts.
      const options = { heldInMemory: 16, keep: 50, keepMs: centuryMs }
      let on = await hubOnHttp(options)
      let stream = await on.open()
      let published = 0
      // The last fact that the client had, or was told that it has lost; and how far it read this stream.
      let last = 0
      let place = 0
      const takeTo = async (number: number) => {
        while (last < number) {
          await expect.poll(() => stream.events.length, { interval: 1 }).toBeGreaterThan(place)
          const { event, id, data } = stream.events[place++]!
          if (event === 'mail_received') expect(id).toBe(on.log.idOf(++last))
          if (event !== 'gap') continue
          expect(data).toMatchObject({ reason: 'expired' })
          expect(last + 1).toBeLessThan(on.log.oldest)
          last = Number((data as EventOf<'gap'>['data']).newest_id?.split('-')[1])
        }
      }
      const comeBack = async () => {
        stream.close()
        const isHeld = last + 1 >= on.log.oldest
        // It has what it read; the rest was in flight.
        stream = await on.open('', on.log.idOf(last))
        place = 0
        const { data } = await stream.next('welcome')
        expect(data).toMatchObject({ resumed: isHeld })
        if (!isHeld) await stream.next('gap')
      }
      for (const [act, count] of steps) {
        if (act === 'publish') for (let uid = 0; uid < count; uid++) on.hub.publish(mail('a', ++published))
        if (act === 'reconnect') await comeBack()
        if (act === 'take') await takeTo(Math.ceil((published + last) / 2))
        // All but the newest have expired or exceed the limit.
        if (act === 'expire') {
          await expect.poll(() => on.log.newest, { interval: 1 }).toBe(published)
          const old = on.db.updateTable('events').set({ at: '1900-01-01T00:00:00.000Z' })
          await old.where('number', '<=', published - count).execute()
          await on.log.prune()
        }
        if (act === 'restart') {
          await on.hub.stop()
          on = await hubOnHttp(options, on.db)
          await comeBack()
        }
      }
      on.hub.publish(mail('a', ++published))
      await takeTo(published)
      stream.close()
    }),
    { numRuns: 40 },
  )
})

test('what is forgotten in the middle of a replay is a gap there, and the reader goes on with what is new', async () => {
  const { log, port, publish } = await hubOnHttp({ heldInMemory: 10, keep: 100, keepMs: centuryMs })
  // More than the kernel buffers for a reader that pauses.
  const published = 4_000
  const folder = 'x'.repeat(8_000)
  const big = { type: 'mail_received' as const, data: { ...sampleEvent('mail_received').data, folder } }
  await publish(...Array.from({ length: published }, () => big))
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += chunk
    if (!socket.isPaused() && !text.includes('event: gap')) socket.pause()
  })
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${log.idOf(0)}\r\n\r\n`)
  await expect.poll(() => text).toContain('event: welcome')
  const readOn = setInterval(() => socket.resume(), 1)
  onTestFinished(() => clearInterval(readOn))
  await expect.poll(() => text).toContain(`id: ${log.idOf(1)}\nevent`)
  await log.prune()
  await expect.poll(() => text).toContain('event: gap')
  await publish(mail('a', 1))
  await expect.poll(() => text).toContain(`id: ${log.idOf(published + 1)}\nevent`)
  const numbers = [...text.matchAll(/^id: \w+-(\d+)\nevent/gm)].map(match => Number(match[1]))
  const [beforeGap] = text.split('event: gap')
  const last = beforeGap!.match(/^id: \w+-\d+\nevent/gm)!.length
  expect(last).toBeLessThan(published - 100)
  expect(numbers).toEqual([...Array.from({ length: last }, (_, index) => index + 1), published + 1])
})

test('a stream that missed more than ten thousand visible facts has a gap; what its filter hides does not count', async () => {
  for (const heldInMemory of [1_000, 20_000]) {
    const { hub, log, open, publish } = await hubOnHttp({ heldInMemory, keepMs: centuryMs })
    const mails = Array.from({ length: 10_001 }, (_, index) => mail('a', index))
    await publish(mail('b', 0), sampleEvent('configuration_updated'), ...mails)
    const welcome = async (query: string, after: number) => {
      const stream = await open(query, log.idOf(after))
      return { stream, data: (await stream.next('welcome')).data }
    }
    const all = await welcome('', 2)
    expect(all.data).toMatchObject({ resumed: false, replayed: 0 })
    expect((await all.stream.next('gap')).data).toMatchObject({ reason: 'expired', newest_id: log.idOf(10_003) })
    const just = await welcome('', 3)
    expect(just.data).toMatchObject({ resumed: true, replayed: 10_000 })
    const other = await welcome('?types=mail_received&account_id=b', 0)
    expect(other.data).toMatchObject({ resumed: true, replayed: 1 })
    const unconcerned = await welcome('?types=account_added', 0)
    expect(unconcerned.data).toMatchObject({ resumed: true, replayed: 0 })
    await publish(mail('b', 1))
    const idsOf = async ({ stream }: typeof all, count: number) => {
      const facts = () => stream.events.filter(event => event.id !== undefined).map(event => event.id)
      await expect.poll(() => facts().length).toBe(count)
      return facts()
    }
    expect(await idsOf(all, 1)).toEqual([log.idOf(10_004)])
    expect(await idsOf(just, 10_001)).toEqual(Array.from({ length: 10_001 }, (_, index) => log.idOf(index + 4)))
    expect(await idsOf(other, 2)).toEqual([log.idOf(1), log.idOf(10_004)])
    await hub.stop()
    await unconcerned.stream.ended
    expect(unconcerned.stream.events.filter(event => event.id !== undefined)).toEqual([])
  }
})

test('a long replay from the database comes whole, with what happens meanwhile behind it', async () => {
  const { hub, log, open, publish } = await hubOnHttp({ heldInMemory: 10 })
  await publish(...Array.from({ length: 2_300 }, (_, index) => mail('a', index + 1)))
  const stream = await open('', log.idOf(300))
  for (let uid = 2_301; uid <= 2_400; uid++) hub.publish(mail('a', uid))
  expect((await stream.next('welcome')).data).toMatchObject({ resumed: true, replayed: expect.any(Number) })
  for (let number = 301; number <= 2_400; number++)
    expect((await stream.next('mail_received')).id).toBe(log.idOf(number))
})
