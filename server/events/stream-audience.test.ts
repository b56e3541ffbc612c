/** A fact goes to the streams whose views let it through, and costs the others nothing; none of them loses its place over it. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { HeldReader, unobserved } from '../../test/support/held-reader.ts'
import { admin, hubOnHttp } from '../../test/support/hub-on-http.ts'
import type { OpenStream } from '../../test/support/open-stream.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { EventStream } from './event-stream.ts'
import { parseFilter } from './event-view.ts'

function mail(accountId: string, folder = 'INBOX'): Fact {
  return { type: 'mail_received', data: { ...sampleEvent('mail_received').data, account_id: accountId, folder } }
}

function token(accounts: string[], id = 'token-1', scopes: Scope[] = ['mail:meta']): Principal {
  return { id, name: 'Bot', kind: 'token', userId: 'u1', scopes: scopeSet(scopes), accounts: new Set(accounts) }
}

const everything = parseFilter({})

async function world(options: Parameters<typeof hubOnHttp>[0] = {}) {
  const around = await hubOnHttp(options)
  const { hub } = around
  const subscribe = (principal: Principal, filter = everything, lastEventId?: string) => {
    const socket = new HeldReader()
    hub.subscribe({ principal, filter, socket, observer: unobserved, lastEventId })
    return socket
  }
  const watcher = subscribe(admin)
  /** Publishes, and waits until a reader of everything has it, and those who see little could have had it. */
  const tell = async (...facts: Fact[]) => {
    const newest = around.log.newest + facts.length
    await around.publish(...facts)
    await expect.poll(() => watcher.numbers.at(-1), { interval: 1 }).toBe(newest)
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
  return { ...around, subscribe, tell }
}

test('a fact walks the streams that see it and no others, whatever joined and left before', async () => {
  const { hub, subscribe, publish } = await world()
  const readers = Array.from({ length: 60 }, (_, index) => subscribe(token([`a${index % 30}`], `token-${index}`)))
  const byType = subscribe({ ...admin, id: 'x' }, parseFilter({ types: 'account_added' }))
  const byAccount = subscribe({ ...admin, id: 'y' }, parseFilter({ account_id: ['a1', 'a2'] }))
  const gone = subscribe(token(['a1'], 'gone'))
  gone.destroy()
  await expect.poll(() => hub.streamCount, { interval: 1 }).toBe(63)
  const pump = vi.spyOn(EventStream.prototype, 'pump')
  const added = sampleEvent('account_added')
  const walked = async (fact: Fact) => {
    pump.mockClear()
    await publish(fact)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    return new Set(pump.mock.contexts).size
  }
  try {
    // A stream that sees everything is always among them.
    expect(await walked(mail('nobody'))).toBe(1)
    expect(await walked(mail('a1'))).toBe(1 + 2 + 1)
    expect(await walked(mail('a5'))).toBe(1 + 2)
    // A filter for accounts lets facts of no account through, and the tokens lack the scope.
    expect(await walked(sampleEvent('token_created'))).toBe(1 + 1)
    expect(await walked({ ...added, data: { ...added.data, account_id: 'a9' } })).toBe(1 + 1)
    hub.changePrincipal(token(['a5'], 'token-1'))
    expect(await walked(mail('a1'))).toBe(1 + 1 + 1)
    expect(await walked(mail('a5'))).toBe(1 + 3)
    for (const reader of readers) reader.destroy()
    await expect.poll(() => hub.streamCount, { interval: 1 }).toBe(3)
    expect(await walked(mail('a1'))).toBe(1 + 1)
    expect(await walked(mail('a5'))).toBe(1)
  } finally {
    pump.mockRestore()
  }
  expect(byType.numbers).toHaveLength(1)
  expect(byAccount.numbers).toEqual([2, 4, 6, 8])
})

test('what was hidden stays hidden when its reader may see more, and its place has moved with what it did not see', async () => {
  const { hub, subscribe, tell } = await world({ heartbeatSeconds: 0.05 })
  const reader = subscribe(token(['a']))
  await tell(mail('a'), mail('b'), mail('b'))
  await expect.poll(() => reader.place, { interval: 1 }).toBe(3)
  await tell(mail('b'))
  await expect.poll(() => reader.place, { interval: 1 }).toBe(4)
  await tell(mail('b'))
  hub.changePrincipal(token(['a', 'b']))
  await tell(mail('b'), mail('a'))
  expect(reader.numbers).toEqual([1, 6, 7])
})

test('a stream whose view changes between a fact and its walk has what it sees of it', async () => {
  const { hub, subscribe, tell } = await world()
  const reader = subscribe(token(['a', 'b']))
  // Reported inside the process once the log has it, before any stream is served.
  hub.listen('mail_received', ({ folder }) => folder === 'now' && hub.changePrincipal(token(['a'])))
  await tell(mail('a', 'now'), mail('b'))
  expect(reader.numbers).toEqual([1])
  await tell(mail('a'))
  expect(reader.numbers).toEqual([1, 3])
})

test('a reader that is behind loses nothing of what it sees, however far the walks have come meanwhile', async () => {
  const { subscribe, tell } = await world()
  const reader = subscribe(token(['a']))
  await tell(mail('b'), mail('a'), mail('b'))
  reader.hold()
  await tell(mail('a'))
  await tell(mail('b'), mail('a'), mail('b'))
  expect(reader.numbers).toEqual([2, 4])
  reader.release()
  await expect.poll(() => reader.numbers, { interval: 1 }).toEqual([2, 4, 6])
  await tell(mail('a'))
  expect(reader.numbers).toEqual([2, 4, 6, 8])
})

test('a reader that is behind only with a state loses no fact either', async () => {
  const { hub, subscribe, tell } = await world()
  const reader = subscribe(token(['a'], 'token-1', ['mail:meta', 'dashboard:read']))
  await tell(mail('b'))
  reader.hold()
  hub.publishState(sampleEvent('stats_update'))
  await expect.poll(() => reader.text, { interval: 1 }).toContain('stats_update')
  await tell(mail('a'), mail('b'))
  expect(reader.numbers).toEqual([])
  reader.release()
  await expect.poll(() => reader.numbers, { interval: 1 }).toEqual([2])
})

test('only what a reader sees counts when it is behind', async () => {
  const { hub, subscribe, tell } = await world({ heldInMemory: 10_000 })
  const reader = subscribe(token(['a']))
  await tell(mail('a'))
  reader.hold()
  await tell(mail('a'))
  const folder = 'x'.repeat(64 * 1024)
  await tell(...Array.from({ length: 40 }, () => mail('b', folder)))
  expect(reader.destroyed).toBe(false)
  await tell(...Array.from({ length: 15 }, () => mail('a', folder)))
  expect(reader.destroyed).toBe(false)
  await tell(mail('a', folder), mail('a', folder))
  expect(reader.destroyed).toBe(true)
  expect(hub.healthFor(admin).slow_consumers).toBe(1)
})

test('what comes while a replay waits for its turn is no slowness of its reader', async () => {
  const { hub, log, subscribe, tell, publish } = await world({ heldInMemory: 1 })
  const folder = 'x'.repeat(4 * 1024)
  await tell(mail('a'), mail('a'))
  const readSeen = log.readSeen.bind(log)
  /** While it waits for its turn, four megabytes of what it sees happen. */
  const waitsWhile = async (begin: () => void) => {
    const turn = Promise.withResolvers<void>()
    const reading = Promise.withResolvers<void>()
    const waiting = vi.spyOn(log, 'readSeen').mockImplementation(async (...asked) => {
      reading.resolve()
      await turn.promise
      return readSeen(...asked)
    })
    begin()
    await reading.promise
    await publish(...Array.from({ length: 1_000 }, () => mail('a', folder)))
    // The sweeps pass it by.
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate)
    waiting.mockRestore()
    turn.resolve()
  }
  const staysWhileHeld = async (count: number) => {
    await expect.poll(() => reader.numbers.length, { interval: 1 }).toBe(count)
    await publish(mail('a'))
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate)
    expect(hub.healthFor(admin).slow_consumers).toBe(0)
  }
  let reader = new HeldReader()
  await waitsWhile(() => {
    reader = subscribe(token(['a']), everything, log.idOf(0))
    reader.hold()
  })
  await expect.poll(() => reader.text, { interval: 1 }).toContain('welcome')
  reader.takeOne()
  await staysWhileHeld(2)
  await waitsWhile(() => reader.takeOne())
  await staysWhileHeld(502)
  reader.release()
  await expect.poll(() => reader.numbers.length, { interval: 1 }).toBe(2_004)
  expect(reader.numbers).toEqual(Array.from({ length: 2_004 }, (_, index) => index + 1))
})

test('whatever a stream sees, and whenever it goes and comes back, it gets exactly that, once and in order', async () => {
  const accounts = ['a', 'b', 'c']
  const account = fc.constantFrom(...accounts, 'nobody')
  const acts = fc.oneof(
    { weight: 5, arbitrary: fc.record({ publish: fc.array(account, { minLength: 1, maxLength: 30 }) }) },
    { weight: 3, arbitrary: fc.record({ comesBack: fc.nat({ max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ takes: fc.nat({ max: 3 }) }) },
  )
  const sights = fc.array(fc.subarray(accounts), { minLength: 4, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(sights, fc.array(acts, { maxLength: 25, size: 'max' }), async (seen, steps) => {
      // Memory holds so little that most replays come from the database, interleaved with new facts.
      const { hub, log, open, as } = await hubOnHttp({ heldInMemory: 16 })
      const published: string[] = []
      const places = seen.map(() => 0)
      const streams: OpenStream[] = []
      const connect = async (index: number) => {
        as(token(seen[index]!, `token-${index}`))
        streams[index] = await open('', log.idOf(places[index]!))
        await streams[index].next('welcome')
      }
      const expectedOf = (index: number, after: number) =>
        published.flatMap((of, place) => (place >= after && seen[index]!.includes(of) ? place + 1 : []))
      const numbers = (index: number) =>
        streams[index]!.events.flatMap(({ id }) => (id === undefined ? [] : Number(id.split('-')[1])))
      const isPrefix = (index: number) => {
        const had = numbers(index)
        expect(had).toEqual(expectedOf(index, places[index]!).slice(0, had.length))
      }
      for (const index of seen.keys()) await connect(index)
      for (const step of steps) {
        if ('publish' in step) {
          published.push(...step.publish)
          for (const of of step.publish) hub.publish(mail(of))
        }
        if ('comesBack' in step) {
          const { comesBack: index } = step
          streams[index]!.close()
          isPrefix(index)
          places[index] = numbers(index).at(-1) ?? places[index]!
          await connect(index)
        }
        if ('takes' in step) {
          const some = Math.ceil(expectedOf(step.takes, places[step.takes]!).length / 2)
          await expect.poll(() => numbers(step.takes).length, { interval: 1 }).toBeGreaterThanOrEqual(some)
        }
      }
      for (const index of seen.keys()) {
        const all = expectedOf(index, places[index]!)
        await expect.poll(() => numbers(index).length, { interval: 1 }).toBeGreaterThanOrEqual(all.length)
        expect(numbers(index)).toEqual(all)
        streams[index]!.close()
      }
    }),
    { numRuns: 30 },
  )
})
