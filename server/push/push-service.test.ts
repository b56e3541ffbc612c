/** Who is notified where: each user's own browsers, bounded, gone with the session, and moved with the browser. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { StandInBrowser } from '../../test/support/push-stand-in.ts'
import { resealAll } from '../key-rotation.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { UserStore } from '../users/user-store.ts'
import { PushDelivery } from './push-delivery.ts'
import type { PushOutcome } from './push-sender.ts'
import { PushService } from './push-service.ts'
import { PushServices } from './push-services.ts'
import { PushStore } from './push-store.ts'
import { VapidKeyHolder } from './vapid-keys.ts'

const origin = 'https://push.example.org'
const day = 24 * 3_600_000
const signal = new AbortController().signal

async function setUp(db: Database, patterns = ['push.example.org']) {
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const now = () => clock.now
  const store = new PushStore(db)
  const secrets = new SecretBox(randomBytes(32))
  const keys = new VapidKeyHolder(store, secrets, now)
  const outcomes: PushOutcome[] = []
  const delivery = new PushDelivery({
    store,
    sender: { send: async () => outcomes.shift() ?? { kind: 'sent' } },
    topics: new Signer(randomBytes(32)),
    now,
    logger: createLogger('silent'),
  })
  const push = new PushService({ store, services: new PushServices(patterns), keys: () => keys.get(), delivery, now })
  const users = new UserStore(db)
  /** A session of a new user, or another one of a user. */
  const enter = async (userId: string, sessionId = `s-${userId}`): Promise<Principal> => {
    if (!(await users.find(userId))) await users.insert(aUser({ id: userId }))
    const at = new Date(clock.now).toISOString()
    const row = { id: sessionId, token_hash: sessionId, user_id: userId, method: 'password', ip_address: '' }
    const times = { created_at: at, last_seen_at: at, expires_at: at }
    await db
      .insertInto('sessions')
      .values({ ...row, ...times, user_agent: '' })
      .execute()
    const rights = { scopes: everyScope, accounts: 'all' } as const
    return { id: `session-${sessionId}`, name: userId, kind: 'session', userId, ...rights }
  }
  const subscribe = (principal: Principal, browser: StandInBrowser) => {
    clock.now += 1_000
    return push.subscribe(principal, { ...browser.subscription, details: 'sender' }, 'Browser/1.0')
  }
  const list = async (principal: Principal) => (await push.get(principal)).items
  return { push, store, users, secrets, clock, outcomes, enter, subscribe, list, keys }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  )

onEachDatabase(open => {
  test('a user has twenty browsers; one more takes the place of the oldest, and the same one again of itself', async () => {
    const { enter, subscribe, list } = await setUp(await open())
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    const bens = await subscribe(ben, new StandInBrowser('of-ben', origin))
    const browsers = Array.from({ length: 21 }, (_, index) => new StandInBrowser(`${index}`, origin))
    const made = []
    for (const browser of browsers) made.push(await subscribe(ann, browser))
    const ids = (await list(ann)).map(({ id }) => id)
    expect(ids).toEqual(
      made
        .slice(1)
        .map(({ id }) => id)
        .reverse(),
    )
    expect((await subscribe(ann, browsers[5]!)).id).toBe(made[5]!.id)
    expect(await list(ann)).toHaveLength(20)
    expect((await list(ben)).map(({ id }) => id)).toEqual([bens.id])
  })

  test('a browser in which another user signed in is notified for that user', async () => {
    const { enter, subscribe, list } = await setUp(await open())
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    const shared = new StandInBrowser('shared', origin)
    await subscribe(ann, shared)
    const moved = await subscribe(ben, shared)
    expect([await list(ann), (await list(ben)).map(({ id }) => id)]).toEqual([[], [moved.id]])
  })

  test('it ends with its session, and with its user; those of other sessions stay', async () => {
    const db = await open()
    const { enter, subscribe, list, users, store } = await setUp(db)
    const [desk, phone] = [await enter('ann', 'desk'), await enter('ann', 'phone')]
    await subscribe(desk, new StandInBrowser('desk', origin))
    const kept = await subscribe(phone, new StandInBrowser('phone', origin))
    await db.deleteFrom('sessions').where('id', '=', 'desk').execute()
    expect((await list(phone)).map(({ id }) => id)).toEqual([kept.id])
    await users.delete('ann')
    expect(await store.listUserIds()).toEqual([])
  })

  test('users remove and test their own alone; what is gone or fails for two weeks is removed', async () => {
    const { enter, subscribe, list, push, outcomes, clock } = await setUp(await open())
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    const { id } = await subscribe(ann, new StandInBrowser('phone', origin))
    expect([await codeOf(push.unsubscribe(ben, id)), await codeOf(push.test(ben, id, signal))]).toEqual([
      ...['not_found', 'not_found'],
    ])
    expect(await push.test(ann, id, signal)).toEqual({ is_accepted: true, why: null })
    outcomes.push({ kind: 'refused', why: 'The push service answered 403.' })
    expect(await push.test(ann, id, signal)).toEqual({ is_accepted: false, why: 'The push service answered 403.' })
    const since = new Date(clock.now).toISOString()
    clock.now += 13 * day
    outcomes.push({ kind: 'retry', why: 'busy', afterMs: undefined })
    await push.test(ann, id, signal)
    expect((await list(ann))[0]!.failing).toEqual({ since, why: 'busy' })
    await push.test(ann, id, signal)
    expect((await list(ann))[0]).toMatchObject({ failing: null, last_success_at: new Date(clock.now).toISOString() })
    for (const wait of [0, 15 * day]) {
      clock.now += wait
      outcomes.push({ kind: 'refused', why: 'no' })
      await push.test(ann, id, signal)
    }
    expect(await list(ann)).toEqual([])
    const gone = await subscribe(ann, new StandInBrowser('other', origin))
    outcomes.push({ kind: 'gone', why: 'The push service answered 410.' })
    expect(await push.test(ann, gone.id, signal)).toMatchObject({ is_accepted: false })
    expect([await list(ann), await codeOf(push.unsubscribe(ann, gone.id))]).toEqual([[], 'not_found'])
  })

  test('the key pair is made once, whichever process needs it first, and outlives another key of the server', async () => {
    const db = await open()
    const { store, secrets } = await setUp(db)
    const holders = Array.from({ length: 4 }, () => new VapidKeyHolder(store, secrets, Date.now))
    const pairs = await Promise.all(holders.map(holder => holder.get()))
    expect(new Set(pairs.map(pair => JSON.stringify(pair))).size).toBe(1)
    const [row] = await db.selectFrom('push_keys').selectAll().execute()
    expect(JSON.stringify(row)).not.toContain(pairs[0]!.privateKey)
    const next = new SecretBox(randomBytes(32))
    await expect(new VapidKeyHolder(store, next, Date.now).get()).rejects.toThrow()
    await resealAll(db, secrets, next)
    expect(await new VapidKeyHolder(store, next, Date.now).get()).toEqual(pairs[0])
  })
})

onEachDatabase(open => {
  test('what is no browser, of no known service, or of no user is refused; switched off, there is no key', async () => {
    const { enter, push, subscribe } = await setUp(await open())
    const ann = await enter('ann')
    const elsewhere = new StandInBrowser('x', 'https://127.0.0.1')
    expect(await codeOf(subscribe(ann, elsewhere))).toBe('address_refused')
    const { endpoint, keys } = new StandInBrowser('x', origin).subscription
    const noPoint = { ...keys, p256dh: Buffer.alloc(65, 4).toString('base64url') }
    expect(await codeOf(push.subscribe(ann, { endpoint, keys: noPoint, details: 'none' }, ''))).toBe('bad_request')
    const token: Principal = { ...ann, kind: 'token', id: 'token-x' }
    expect([
      await codeOf(push.get(token)),
      await codeOf(push.subscribe(token, { endpoint, keys, details: 'none' }, '')),
    ]).toEqual(['session_needed', 'session_needed'])
    const off = await setUp(await open(), [])
    const other = await off.enter('ann')
    expect((await off.push.get(other)).public_key).toBeNull()
    expect(await codeOf(off.subscribe(other, new StandInBrowser('x', origin)))).toBe('push_off')
  })
})
