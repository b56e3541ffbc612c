/** Webhook subscriptions of programs: which are the same, how often they are verified, and what a renewal keeps. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { reader } from '../../test/support/webhook-world.ts'
import type { Principal } from '../platform/principal.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { secretContext, type WebhookRow } from '../webhooks/webhook-tables.ts'
import type { EventReading } from './event-reading.ts'
import { eventErrors } from './events-wire.ts'
import { type SubscriptionBounds, type SubscriptionRequest, Subscriptions } from './subscriptions.ts'

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`
const minute = 60_000
const day = 24 * 60 * minute
const asked = { name: 'message.received', arguments: {} } as const
const begun = Date.parse('2026-11-22T12:00:00Z')

function setUp(bounds: Partial<SubscriptionBounds> = {}) {
  const rows = new Map<string, WebhookRow>()
  const clock = { now: begun, place: 5 }
  const posted: { url: string; challenge: string }[] = []
  const state = { answer: (challenge: string) => challenge, beforeRenewal: () => {} }
  const secrets = new SecretBox(randomBytes(32))
  const subscriptions = new Subscriptions({
    endpoints: {
      find: async id => rows.get(id),
      verifiedAt: async (principalId, url) =>
        [...rows.values()].find(row => row.principal_id === principalId && row.url === url)?.verified_at ?? undefined,
      add: async row => void rows.set(row.id, row),
      renew: async (id, values) => {
        state.beforeRenewal()
        const row = rows.get(id)
        if (row) rows.set(id, { ...row, ...values })
        return row !== undefined
      },
      remove: async id => rows.delete(id),
    },
    sender: {
      send: async ({ url, message }) => {
        const { challenge } = JSON.parse(message.body) as { challenge: string }
        posted.push({ url, challenge })
        return { kind: 'sent', text: JSON.stringify({ challenge: state.answer(challenge) }) }
      },
    },
    secrets,
    reading: {
      start: () => ({ after: clock.place, isTruncated: false }),
      cursorOf: (place: number) => `cursor-${place}`,
      floorOf: () => undefined,
    } as unknown as EventReading,
    now: () => clock.now,
    bounds,
  })
  const subscribe = (
    principal: Principal,
    more: Partial<SubscriptionRequest> = {},
    signal = new AbortController().signal,
  ) => {
    const input = { asked, given: {}, url: 'https://a.example/hook', secret: newSecret(), ...more }
    return subscriptions.subscribe(principal, input, signal)
  }
  const opened = (sealed: string | null, id: string) => sealed && secrets.open(sealed, secretContext(id))
  return { subscriptions, subscribe, rows, clock, posted, state, opened }
}

test('a subscription is the same for one principal, URL and set of arguments, in whatever order these are', async () => {
  const { subscribe } = setUp()
  const ids: string[] = []
  for (const [principal, more] of [
    [reader('token-1'), { given: { account: 'a', from: { domain: 'x', name: 'y' } } }],
    [reader('token-1'), { given: { from: { name: 'y', domain: 'x' }, account: 'a' } }],
    [reader('token-2'), { given: { account: 'a', from: { domain: 'x', name: 'y' } } }],
    [reader('token-1'), { given: { account: 'b', from: { domain: 'x', name: 'y' } } }],
    [reader('token-1'), { given: {}, url: 'https://a.example/other' }],
  ] as const) {
    ids.push((await subscribe(principal, more)).id)
  }
  expect([ids[0] === ids[1], new Set(ids).size]).toEqual([true, 4])
})

test('a URL is verified once a day for each principal', async () => {
  const { subscribe, posted, clock } = setUp()
  await subscribe(reader('token-1'))
  await subscribe(reader('token-1'), { given: { account: 'a' } })
  clock.now += day - 1
  await subscribe(reader('token-1'))
  expect(posted).toHaveLength(1)
  await subscribe(reader('token-2'))
  expect(posted).toHaveLength(2)
  clock.now += 1
  await subscribe(reader('token-1'))
  expect(posted).toHaveLength(3)
})

test('verifications are bounded for each principal over all hosts, and for each host over all principals', async () => {
  const exhausted = { code: eventErrors.resourceExhausted, data: { limit: 'verifications', max: 2 } }
  const { subscribe, posted, clock } = setUp({ verificationsPerMinute: 2 })
  const to = (id: string, url: string) => subscribe(reader(id), { url })
  await to('token-1', 'https://a.example/1')
  await to('token-1', 'https://b.example/1')
  await expect(to('token-1', 'https://c.example/1')).rejects.toMatchObject(exhausted)
  await to('token-2', 'https://a.example/2')
  await expect(to('token-3', 'https://a.example/3')).rejects.toMatchObject(exhausted)
  expect(posted).toHaveLength(3)
  clock.now += minute
  await to('token-3', 'https://a.example/3')
})

test.each([
  ['another of the same length', (challenge: string) => 'x'.repeat(challenge.length)],
  ['its beginning', (challenge: string) => challenge.slice(0, -1)],
  ['nothing', () => ''],
])('an endpoint that answers the challenge with %s gets no subscription', async (_what, answer) => {
  const { subscribe, rows, state } = setUp()
  state.answer = answer
  await expect(subscribe(reader())).rejects.toMatchObject({ data: { reason: 'challenge_failed' } })
  expect(rows.size).toBe(0)
})

test('a caller that disconnects during the verification gets no subscription', async () => {
  const { subscribe, rows, state } = setUp()
  const caller = new AbortController()
  state.answer = challenge => {
    caller.abort(new Error('gone'))
    return challenge
  }
  await expect(subscribe(reader(), {}, caller.signal)).rejects.toThrow('gone')
  expect(rows.size).toBe(0)
})

test('a renewal keeps the position; a subscription that has ended begins again', async () => {
  const { subscribe, rows, clock, state } = setUp()
  const { id, cursor } = await subscribe(reader())
  expect(cursor).toBe('cursor-5')
  clock.place = 9
  expect(await subscribe(reader())).toMatchObject({ id, cursor: 'cursor-5', deliveryStatus: { active: true } })
  rows.set(id, { ...rows.get(id)!, ending: '{}' })
  const again = await subscribe(reader())
  expect(again).toMatchObject({ id, cursor: 'cursor-9' })
  expect(again).not.toHaveProperty('deliveryStatus')
  expect(rows.get(id)).toMatchObject({ ending: null, place: 9 })
  state.beforeRenewal = () => rows.clear()
  await expect(subscribe(reader())).rejects.toMatchObject({ code: eventErrors.notFound })
})

test('a replaced secret signs for ten more minutes, and sending the same one again does not prolong that', async () => {
  const { subscribe, rows, clock, opened } = setUp()
  const [first, second] = [newSecret(), newSecret()]
  const { id } = await subscribe(reader(), { secret: first })
  expect(rows.get(id)?.previous_sealed).toBeNull()
  await subscribe(reader(), { secret: second })
  const until = new Date(begun + 10 * minute).toISOString()
  for (let count = 0; count < 2; count++) {
    const row = rows.get(id)!
    expect([opened(row.secret_sealed, id), opened(row.previous_sealed, id)]).toEqual([second, first])
    expect(row.previous_until).toBe(until)
    clock.now += minute
    await subscribe(reader(), { secret: second })
  }
})

test.each([
  ['less than five minutes', 1, 5 * minute],
  ['a time within the bounds', 3 * day, 3 * day],
  ['more than a week', 30 * day, 7 * day],
  ['no expiry', null, 7 * day],
  ['nothing', undefined, day],
])('a subscription that asks for %s is granted a bounded time', async (_what, ttlMs, granted) => {
  const { subscribe } = setUp()
  const { refreshBefore } = await subscribe(reader(), { ttlMs })
  expect(Date.parse(refreshBefore) - begun).toBe(granted)
})

test('sessions neither subscribe nor unsubscribe, and a URL with credentials or a fragment is refused', async () => {
  const { subscribe, subscriptions, posted } = setUp()
  const forbidden = { code: eventErrors.forbidden }
  for (const kind of ['session', 'anonymous'] as const) {
    const principal = { ...reader(), kind }
    await expect(subscribe(principal)).rejects.toMatchObject(forbidden)
    await expect(subscriptions.unsubscribe(principal, asked, {}, 'https://a.example/hook')).rejects.toMatchObject(
      forbidden,
    )
  }
  for (const url of ['https://me@a.example/', 'https://:pw@a.example/', 'https://a.example/#x', 'ftp://a.example/'])
    await expect(subscribe(reader(), { url })).rejects.toMatchObject({ code: eventErrors.invalidParams })
  expect(posted).toEqual([])
})

test('a principal unsubscribes only from its own', async () => {
  const { subscribe, subscriptions, rows } = setUp()
  await subscribe(reader('token-1'))
  const end = (id: string) => subscriptions.unsubscribe(reader(id), asked, {}, 'https://a.example/hook')
  await expect(end('token-2')).rejects.toMatchObject({ code: eventErrors.notFound })
  await end('token-1')
  expect(rows.size).toBe(0)
})
