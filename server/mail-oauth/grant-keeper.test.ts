/** Access tokens: refreshed once for all who wait, in one process or two, stored before they are used, a few at a time, and given up for good reasons alone. */
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { grantWorld, turns } from '../../test/support/grant-world.ts'
import { patience } from '../../test/support/patience.ts'
import { begin } from '../../test/support/rotating-provider.ts'
import { resealAll } from '../key-rotation.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { isoOf } from '../platform/timer-clock.ts'
import { OAuthFault } from './oauth-server.ts'
import { apartMs, requestsAtATime } from './provider-pace.ts'

const hour = 3_600_000
const imap = { part: 'imap', host: 'imap.gmail.com' } as const

onEachDatabase(open => {
  test('a valid token is answered without a request; of an expired one all who wait get the next, by one request', async () => {
    const { clock, provider, keeper, grant, store } = await grantWorld(await open())
    await grant('a')
    expect(await keeper.accessToken({ grantId: 'a', ...imap })).toBe('access-a-1')
    expect(provider.requests).toEqual([])
    clock.at += hour
    const waiting = Array.from({ length: 20 }, () => keeper.accessToken({ grantId: 'a', ...imap }))
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['access-a-2']))
    expect(provider.requests.length).toBe(1)
    expect(JSON.stringify(await store.find('a'))).not.toMatch(/access-a|refresh-a/)
  })

  test('a caller that has read the expired token, and asks when the refresh has ended, gets the next one without a request to the provider', async () => {
    const { clock, provider, keeper, grant, store } = await grantWorld(await open())
    await grant('a')
    clock.at += hour
    const find = store.find.bind(store)
    const [read, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    vi.spyOn(store, 'find').mockImplementationOnce(async id => {
      const row = await find(id)
      read.resolve()
      await late.promise
      return row
    })
    const last = keeper.accessToken({ grantId: 'a', ...imap })
    await read.promise
    expect(await keeper.accessToken({ grantId: 'a', ...imap })).toBe('access-a-2')
    late.resolve()
    // No time passes, so it did not wait.
    expect(await last).toBe('access-a-2')
    expect(provider.requests.length).toBe(1)
  })

  test('grants that another process refreshes take no turn from the others', async () => {
    const { clock, provider, keeper, grant, store, decided } = await grantWorld(await open())
    const locked = Array.from({ length: requestsAtATime }, (_, number) => `l${number}`)
    for (const name of [...locked, 'a']) await grant(name)
    clock.at += hour
    for (const name of locked) await store.lock(name, 'other', isoOf(clock.now()), isoOf(clock.now() + 60_000))
    const ask = (grantId: string) => keeper.accessToken({ grantId, ...imap }).catch(error => error.message)
    const waiting = Promise.all(locked.map(ask))
    // No time passes, as it would for a turn: the clock stands however long the database takes.
    expect(await ask('a')).toBe('access-a-6')
    expect(new Set(await decided(waiting))).toEqual(
      new Set(['Another process of this server is still refreshing the access.']),
    )
    expect(provider.requests.length).toBe(1)
  })

  test('two processes use a refresh token once', async () => {
    const { clock, provider, keeper, process, grant, settle, decided } = await grantWorld(await open())
    await grant('a')
    clock.at += hour
    const held = Promise.withResolvers<void>()
    provider.hold = () => held.promise
    const [one, other] = [keeper, process()].map(each => each.accessToken({ grantId: 'a', ...imap }))
    const both = Promise.all([one, other])
    await clock.pass(2_000, settle)
    held.resolve()
    expect(await decided(both)).toEqual(['access-a-2', 'access-a-2'])
    expect(provider.requests.length).toBe(1)
  })

  test('a token that a mail server rejects is refreshed once, and not again for the next rejection', async () => {
    const { provider, keeper, grant } = await grantWorld(await open())
    await grant('a')
    const first = await keeper.accessToken({ grantId: 'a', ...imap })
    const second = await keeper.accessToken({ grantId: 'a', ...imap, rejected: first })
    expect([first, second]).toEqual(['access-a-1', 'access-a-2'])
    expect(await keeper.accessToken({ grantId: 'a', ...imap, rejected: second })).toBe(second)
    // A late caller with the older token gets the newer one.
    expect(await keeper.accessToken({ grantId: 'a', ...imap, rejected: first })).toBe(second)
    expect(provider.requests.length).toBe(1)
  })

  test('what was revoked is given up at once, in plain words, and the provider is not asked again', async () => {
    const { clock, provider, keeper, grant } = await grantWorld(await open())
    await grant('a')
    const heard: string[] = []
    keeper.onRevoked(accountId => heard.push(accountId))
    provider.fault = new OAuthFault('revoked', new Error('invalid_grant'), [])
    clock.at += hour
    const lost = { code: 'mail_login_refused', message: 'The access was revoked or has expired. Sign in again.' }
    await expect(keeper.accessToken({ grantId: 'a', ...imap })).rejects.toMatchObject(lost)
    await expect(keeper.accessToken({ grantId: 'a', ...imap })).rejects.toMatchObject(lost)
    expect([provider.requests.length, heard]).toEqual([1, ['a']])
  })

  test('a user who signs in again while the old access is rejected is not told that it was revoked', async () => {
    const db = await open()
    const { clock, provider, keeper, grant, store } = await grantWorld(db)
    await grant('a')
    const heard: string[] = []
    keeper.onRevoked(accountId => heard.push(accountId))
    clock.at += hour
    provider.fault = new OAuthFault('revoked', new Error('invalid_grant'), [])
    const held = Promise.withResolvers<void>()
    provider.hold = () => held.promise
    const asked = keeper.accessToken({ grantId: 'a', ...imap })
    await expect.poll(() => provider.requests.length, { timeout: patience }).toBe(1)
    await store.replace(db, keeper.newRow(provider.issue('a'), (await store.find('a'))!))
    held.resolve()
    expect(await asked).toBe('access-a-2')
    expect([(await store.find('a'))!.state, heard]).toEqual(['active', []])
  })

  test('a provider that is away is left alone for longer and longer, and asked by one account for all', async () => {
    const { clock, provider, keeper, grant } = await grantWorld(await open())
    for (const name of ['a', 'b', 'c']) await grant(name)
    clock.at += hour
    provider.fault = new OAuthFault('away', new Error('503'), [])
    const ask = (grantId: string) =>
      keeper.accessToken({ grantId, ...imap }).then(
        () => 'ok',
        error => error.extension.fault,
      )
    expect(await ask('a')).toBe('sign_in_provider')
    for (const name of ['a', 'b', 'c']) expect(await ask(name)).toBe('sign_in_provider')
    expect(provider.requests.length).toBe(1)
    clock.at += 1_000
    expect(await ask('b')).toBe('sign_in_provider')
    clock.at += 1_000
    expect(await ask('c')).toBe('sign_in_provider')
    expect(provider.requests.length).toBe(2)
    provider.fault = undefined
    clock.at += 1_000
    expect(await ask('c')).toBe('ok')
    clock.at += apartMs
    expect(await ask('a')).toBe('ok')
  })

  test('a process that is killed between the answer and the store: the next one says that, and the account has to sign in again', async () => {
    const db = await open()
    const { clock, provider, store, process, grant, decided } = await grantWorld(db)
    await grant('a')
    clock.at += hour
    // Recreates a killed process: it took the lock, got its response, and stored nothing.
    await store.lock('a', 'killed', isoOf(clock.now()), isoOf(clock.now() + 60_000))
    await provider.server.refresh(undefined, 'refresh-a-1')
    // While the lock lasts, the token is not used a second time.
    const waiting = process().accessToken({ grantId: 'a', ...imap })
    expect(await decided(waiting.catch(error => error.message))).toContain('Another process')
    expect(provider.requests.length).toBe(1)
    clock.at += 60_000
    await expect(process().accessToken({ grantId: 'a', ...imap })).rejects.toMatchObject({
      message: expect.stringMatching(/interrupted while it was being refreshed.*Sign in again/),
    })
  })

  test('after the key was rotated, tokens open with the new one alone', async () => {
    const [db, before, after] = [await open(), randomBytes(32), randomBytes(32)]
    const { keeper, grant } = await grantWorld(db, before)
    await grant('a')
    await resealAll(db, new SecretBox(before), new SecretBox(after))
    const { keeper: next } = await grantWorld(db, after)
    expect(await next.accessToken({ grantId: 'a', ...imap })).toBe('access-a-1')
    await expect(keeper.accessToken({ grantId: 'a', ...imap })).rejects.toThrow()
  })

  test('a token goes only to servers of its provider; a grant that is released is gone, and revoked there', async () => {
    const db = await open()
    const { provider, keeper, grant, store } = await grantWorld(db)
    await grant('a')
    const elsewhere = { grantId: 'a', part: 'imap', host: 'imap.gmail.com.example.org' } as const
    await expect(keeper.accessToken(elsewhere)).rejects.toMatchObject({ code: 'bad_request' })
    const revoke = await db.transaction().execute(transaction => keeper.release(transaction, 'a'))
    expect(provider.revoked).toEqual([])
    revoke()
    await expect.poll(() => provider.revoked, { timeout: patience }).toEqual(['refresh-a-1'])
    expect(await store.find('a')).toBeUndefined()
  })
})

test('a stop does not wait for the pauses between tries to store what a provider gave', async () => {
  const { clock, store, keeper, grant, settle } = await grantWorld(await memoryDatabase())
  await grant('a')
  clock.at += hour
  const failing = vi.spyOn(store, 'keep').mockRejectedValue(new Error('disk full'))
  const asked = keeper.accessToken({ grantId: 'a', ...imap }).catch((error: unknown) => error)
  await expect.poll(() => failing.mock.calls.length, { timeout: patience }).toBe(1)
  await settle()
  // The clock stands still.
  await keeper.stop()
  expect(failing.mock.calls.length).toBe(5)
  expect(await asked).toBeInstanceOf(Error)
})

test('1,000 accounts that fall due together are refreshed without a burst, each once, and only while they are used', async () => {
  const db = await memoryDatabase()
  const { clock, provider, keeper, grant, connect, startRefresher } = await grantWorld(db)
  const names = Array.from({ length: 1_000 }, (_, number) => `g${number}`)
  for (const name of names) {
    await grant(name)
    await keeper.accessToken({ grantId: name, ...imap })
    await connect(name)
  }
  startRefresher()
  await clock.pass(hour, () => turns(10))
  const { requests } = provider
  expect(requests.length).toBe(1_000)
  expect(provider.mostAtATime).toBeLessThanOrEqual(requestsAtATime)
  const inSecond = Map.groupBy(requests, ms => Math.floor(ms / 1_000))
  expect(Math.max(...[...inSecond.values()].map(({ length }) => length))).toBeLessThanOrEqual(1_000 / apartMs + 1)
  // Spread over a fifth of the hour, and not before 70 % of it are over.
  expect(Math.min(...requests) - begin).toBeGreaterThanOrEqual(0.7 * hour)
  expect(Math.max(...requests) - Math.min(...requests)).toBeGreaterThan(0.15 * hour)
  // The new tokens are unused, so there are no further requests.
  await clock.pass(3 * hour, () => turns(2))
  expect(provider.requests.length).toBe(1_000)
})

test('a grant whose refresh is refused is tried less and less often, by a login too; signed in for again, it is refreshed at once', async () => {
  const db = await memoryDatabase()
  const { clock, provider, keeper, grant, connect, startRefresher, store, settle } = await grantWorld(db)
  await grant('a')
  await connect('a')
  await keeper.accessToken({ grantId: 'a', ...imap })
  provider.fault = new OAuthFault('refused', new Error('invalid_request'), [])
  clock.at += hour
  const from = clock.at
  startRefresher()
  const ask = () => keeper.accessToken({ grantId: 'a', ...imap }).catch((error: unknown) => error)
  for (let minute = 0; minute < 60; minute++) {
    await clock.pass(30_000, settle)
    expect(await ask()).toMatchObject({ message: 'Google sent an invalid response.' })
    await clock.pass(30_000, settle)
  }
  // One when it is due, and after a back-off of 1, 2, 4, 8 and 16 minutes, by the refresher or by a login.
  expect(provider.requests.length).toBe(6)
  expect(provider.requests.map(at => Math.floor((at - from) / 60_000))).toEqual([0, 1, 3, 7, 15, 31])
  const { failure, refresh_at } = (await store.find('a'))!
  expect(failure).toBe('Google sent an invalid response.')
  expect(Date.parse(refresh_at!)).toBeGreaterThan(clock.at)
  // The longest rest is an hour.
  await clock.pass(3 * hour, settle)
  expect(provider.requests.length).toBe(9)
  provider.fault = undefined
  const row = (await store.find('a'))!
  await store.replace(db, keeper.newRow({ ...provider.issue('a'), expiresInSeconds: 1 }, row))
  clock.at += 1_000
  expect(await ask()).toMatch(/^access-a-/)
})

test('300 grants of a provider that is away do not keep those of another from being refreshed', async () => {
  const { clock, provider, grant, connect, startRefresher, settle, store } = await grantWorld(await memoryDatabase())
  provider.fault = new OAuthFault('away', new Error('503'), [])
  provider.faultAt = 'microsoft'
  const away = Array.from({ length: 300 }, (_, number) => `m${number}`)
  const others = Array.from({ length: 5 }, (_, number) => `g${number}`)
  for (const [providerId, names] of [['microsoft', away] as const, ['google', others] as const]) {
    for (const name of names) {
      await store.markUsed(name, await grant(name, { providerId }), isoOf(clock.at))
      await connect(name, providerId)
    }
    clock.at += 1_000
  }
  startRefresher()
  await clock.pass(10_000, settle)
  const refreshed = await Promise.all(others.map(name => store.find(name)))
  expect(refreshed.filter(row => Date.parse(row!.refreshed_at) >= begin + 2_000).length).toBe(5)
  // Its own failures: 4 immediately, then one after each back-off.
  expect(provider.requests.length).toBeLessThanOrEqual(5 + 16)
})

onEachDatabase(open => {
  test('what is due is found by provider', async () => {
    const { grant, connect, store } = await grantWorld(await open())
    for (const [name, providerId] of [
      ['a', 'google'],
      ['b', 'microsoft'],
      ['c', 'google'],
    ] as const) {
      await store.markUsed(name, await grant(name, { providerId }), isoOf(begin + (name === 'a' ? 2 : 1)))
      await connect(name, providerId)
    }
    const first = isoOf(begin + 1)
    expect(await store.firstDue()).toEqual(
      new Map([
        ['google', first],
        ['microsoft', first],
      ]),
    )
    expect(await store.listDue('google', first, 9)).toEqual(['c'])
    expect(await store.listDue('google', isoOf(begin + 2), 9)).toEqual(['c', 'a'])
  })
})
