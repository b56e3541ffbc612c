/** A place in the log: what it sees of what follows, from memory and from the database, whatever changes meanwhile. */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import type { EventLog } from './event-log.ts'
import { EventView, parseFilter } from './event-view.ts'
import { LogReader } from './log-reader.ts'
import { maxReplay, ReplayQueue } from './replay-queue.ts'

const mail = (accountId: string): Fact => ({
  type: 'mail_received',
  data: { ...sampleEvent('mail_received').data, account_id: accountId },
})

function person(accounts: Principal['accounts']): Principal {
  return {
    id: 'p',
    name: 'P',
    kind: 'token',
    userId: null,
    scopes: scopeSet(['mail:meta', 'dashboard:read']),
    accounts,
  }
}

function readerOf(log: EventLog, principal: Principal, after: number, asked: Parameters<typeof parseFilter>[0] = {}) {
  const view = new EventView(principal, parseFilter(asked))
  return new LogReader({ log, replays: new ReplayQueue(log), principal, view, after })
}

/** Numbers that it sees until the end of the log. */
async function rest(reader: LogReader): Promise<number[]> {
  const numbers: number[] = []
  while (!reader.isAtEnd) {
    const batch = reader.take()
    if (batch) numbers.push(...batch.entries.map(({ number }) => number))
    else await reader.load()
  }
  return numbers
}

onEachDatabase(open => {
  test('by account, by type, by both and by neither: from any place it gets what it sees, once and in order', async () => {
    const { hub, log } = await startHub(await open(), { heldInMemory: 20 })
    const facts = Array.from({ length: 1_300 }, (_, index) => {
      if (index % 11 === 0) return sampleEvent('client_connected') as Fact
      if (index % 13 === 0)
        return {
          ...sampleEvent('account_added'),
          data: { ...sampleEvent('account_added').data, account_id: `a${index % 3}` },
        } as Fact
      return mail(`a${index % 7}`)
    })
    for (const fact of facts) hub.publish(fact)
    await expect.poll(() => log.newest, { interval: 1 }).toBe(facts.length)
    const cases: [Principal, Parameters<typeof parseFilter>[0]][] = [
      [person('all'), {}],
      [person('all'), { types: 'account_added' }],
      [person('all'), { types: ['mail_received', 'client_connected'] }],
      [person('all'), { account_id: ['a1', 'a2'] }],
      [person(new Set(['a1'])), {}],
      [person(new Set(['a1', 'a2'])), { account_id: 'a2', types: 'mail_received' }],
      [person(new Set()), {}],
      [person(new Set(['a1'])), { types: 'stats_update' }],
      [person('all'), { account_id: 'none', types: 'mail_received' }],
    ]
    for (const [principal, asked] of cases) {
      const view = new EventView(principal, parseFilter(asked))
      for (const after of [0, 1, 250, 1_279, 1_280, 1_300]) {
        const expected = facts.flatMap((fact, index) => (index >= after && view.accepts(fact) ? index + 1 : []))
        const reader = readerOf(log, principal, after, asked)
        if (reader.missed === undefined) await reader.load()
        expect(reader.missed).toBe(expected.length)
        expect(await rest(reader)).toEqual(expected)
        expect(reader.place).toBe(log.newest)
      }
    }
  })
})

test('what was read with one view is not taken with another, and what has ended reads nothing', async () => {
  const { hub, log } = await startHub(undefined, { heldInMemory: 1 })
  for (const account of ['a', 'b', 'a', 'b', 'a']) hub.publish(mail(account))
  await expect.poll(() => log.newest, { interval: 1 }).toBe(5)
  const [wide, narrow] = [person(new Set(['a', 'b'])), person(new Set(['a']))]
  const narrowView = new EventView(narrow, parseFilter({}))
  // While it is read.
  const changed = readerOf(log, wide, 0)
  const loaded = changed.load()
  changed.change(narrowView)
  await loaded
  expect(changed.missed).toBe(3)
  expect(await rest(changed)).toEqual([1, 3, 5])
  // Read already, but not delivered yet.
  const late = readerOf(log, wide, 0)
  await late.load()
  expect(late.missed).toBe(5)
  late.change(narrowView)
  expect(late.take()).toBeUndefined()
  expect(await rest(late)).toEqual([1, 3, 5])
  const ended = readerOf(log, wide, 0)
  const reading = ended.load()
  ended.end()
  await reading
  expect(ended.take()).toBeUndefined()
})

test('a stream that sees far more than when it resumed still gets it in order, where no single statement may scan all of it', async () => {
  const { hub, log } = await startHub(undefined, { heldInMemory: 1 })
  const count = maxReplay + 600
  // One account alone has more facts than the statement reads, which would leave out all of the other's.
  for (let number = 1; number <= count; number++) hub.publish(mail(number % 100 === 0 ? 'b' : 'a'))
  await expect.poll(() => log.newest, { interval: 1 }).toBe(count)
  const reader = readerOf(log, person(new Set(['b'])), 0)
  await reader.load()
  expect(reader.missed).toBe(count / 100)
  reader.change(new EventView(person(new Set(['a', 'b'])), parseFilter({})))
  expect(await rest(reader)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
})
