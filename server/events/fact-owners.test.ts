/**
 * A disabled webhook is reported to its token, its user and administrators of all accounts only, from memory and from
 * the database.
 */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { hubOnHttp } from '../../test/support/hub-on-http.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import type { EventLog } from './event-log.ts'
import { EventView, parseFilter } from './event-view.ts'
import { LogReader } from './log-reader.ts'
import { ReplayQueue } from './replay-queue.ts'

const at = '2026-11-29T12:00:00.000Z'
const disabled = (principal: string, userId: string | null | undefined, name = 'Invoices'): Fact => ({
  type: 'webhook_disabled',
  data: {
    ...{ webhook_id: 'hook_1', name, principal, why: 'gone', detail: 'It answered 410.', at },
    ...(userId !== undefined && { user_id: userId }),
  },
})
const token = (
  id: string,
  scopes: Parameters<typeof scopeSet>[0],
  accounts: Principal['accounts'] = 'all',
): Principal => ({
  ...{ id, name: id, kind: 'token', userId: 'u-ann', scopes: scopeSet(scopes), accounts },
})
const session = (userId: string): Principal => ({
  ...token(`session-${userId}`, ['dashboard:read'], new Set(['a'])),
  ...{ kind: 'session', userId },
})

/** The fourth one tries to look like another owner's. */
const facts: Fact[] = [
  disabled('token-one', 'u-ann'),
  sampleEvent('configuration_updated') as Fact,
  disabled('token-two', 'u-ben'),
  disabled('token-three', null, '","principal":"token-one","user_id":"u-ann"'),
  disabled('token-one', undefined),
  disabled('tokenXone', 'u_ann'),
]
const cases: [string, Principal, number[]][] = [
  ['its token', token('token-one', ['dashboard:read']), [1, 2, 5]],
  ['its token with some accounts', token('token-one', ['dashboard:read'], new Set(['a'])), [1, 2, 5]],
  ['another token of the user', token('token-four', ['dashboard:read']), [2]],
  ['a session of its user', session('u-ann'), [1, 2]],
  ['a session of another', session('u-ben'), [2, 3]],
  ['an administrator of all', token('token-five', ['dashboard:admin']), [1, 2, 3, 4, 5, 6]],
  ['an administrator of some', token('token-six', ['dashboard:admin'], new Set(['a'])), [2]],
  ['a token that could be a pattern', token('token_one', ['dashboard:read']), [2]],
]

async function seenFrom(log: EventLog, principal: Principal, asked: Parameters<typeof parseFilter>[0]) {
  const view = new EventView(principal, parseFilter(asked))
  const reader = new LogReader({ log, replays: new ReplayQueue(log), principal, view, after: 0 })
  if (reader.missed === undefined) await reader.load()
  const { missed } = reader
  const numbers: number[] = []
  while (!reader.isAtEnd) {
    const batch = reader.take()
    if (batch) numbers.push(...batch.entries.map(({ number }) => number))
    else await reader.load()
  }
  return { missed, numbers }
}

onEachDatabase(open => {
  test.each([
    ['memory', 100],
    ['the database', 1],
  ])('from %s each reads and lists what is theirs, and is told how many they missed', async (_where, heldInMemory) => {
    const { hub, log } = await startHub(await open(), { heldInMemory })
    for (const fact of facts) hub.publish(fact)
    await expect.poll(() => log.newest, { interval: 1 }).toBe(facts.length)
    for (const [who, principal, expected] of cases) {
      expect([who, await seenFrom(log, principal, {})]).toEqual([who, { missed: expected.length, numbers: expected }])
      const owned = expected.filter(number => number !== 2)
      const asked = { types: 'webhook_disabled' }
      expect([who, await seenFrom(log, principal, asked)]).toEqual([who, { missed: owned.length, numbers: owned }])
      const listed = (await hub.listFacts(principal, 50)).map(({ id }) => Number(id.split('-')[1]))
      expect([who, listed]).toEqual([who, expected.toReversed()])
    }
  })
})

test('open streams hear of what is theirs alone, whatever others see that see the same otherwise', async () => {
  const { hub, as, open, publish } = await hubOnHttp()
  const streams = []
  for (const [, principal] of cases) {
    as(principal)
    const stream = await open()
    await stream.next('welcome')
    streams.push(stream)
  }
  await publish(...facts)
  await hub.stop()
  await Promise.all(streams.map(stream => stream.ended))
  const seen = streams.map(stream => stream.events.filter(({ id }) => id).map(({ id }) => Number(id!.split('-')[1])))
  expect(seen).toEqual(cases.map(([, , expected]) => expected))
})
