/** A token never exceeds its owner's rights, follows changes immediately, and costs the database almost nothing. */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { hubOnHttp } from '../../test/support/hub-on-http.ts'
import { apiKey, minute, reader, setUp, tokensOn } from '../../test/support/tokens-on.ts'
import type { Principal } from '../platform/principal.ts'
import { UserStore } from '../users/user-store.ts'
import { hashOf } from './known-tokens.ts'
import { createToken } from './token-format.ts'
import type { TokenInput } from './token-service.ts'

const typesOf = (facts: Fact[]) => facts.map(({ type }) => type)
const problem = (code: string) => expect.objectContaining({ code })

onEachDatabase(open => {
  test('a token is shown once and works; what is kept of it opens nothing', async () => {
    const { tokens, signIn, who, facts, db } = await setUp(await open())
    const ann = await signIn('ann', 'operator', ['a', 'b'])
    const { token, info } = await tokens.create(ann, reader)
    expect(await who(token)).toEqual({
      id: `token-${info.id}`,
      name: 'Bot',
      kind: 'token',
      userId: 'ann',
      scopes: new Set(['mail:meta', 'mail:read']),
      accounts: new Set(['a']),
      endsAt: undefined,
    })
    expect(info).toMatchObject({ prefix: token.slice(0, 9), user_name: 'Name of ann', status: 'active' })
    expect(facts()).toMatchObject([{ type: 'token_created', data: { token_id: info.id, user_id: 'ann' } }])
    const kept = JSON.stringify([await db.selectFrom('api_tokens').selectAll().execute(), facts(), info])
    expect(kept).not.toContain(token.slice(10))
    expect(await who(hashOf(token))).toBeUndefined()
  })

  test('what its owner loses, all their tokens lose at once, and get back with them', async () => {
    const { tokens, signIn, become, who, heard } = await setUp(await open())
    const eve = await signIn('eve', 'administrator', [])
    const { token, info } = await tokens.create(eve, { ...reader, scopes: ['mail:send'], accounts: ['a', 'b'] })
    const whole = await who(token)
    expect(whole).toMatchObject({ accounts: new Set(['a', 'b']) })
    heard.length = 0

    await become('eve', { role: 'operator', accounts: ['b', 'c'], disabled: false })
    expect(await who(token)).toMatchObject({
      id: whole!.id,
      scopes: new Set(['mail:meta', 'mail:read']),
      accounts: new Set(['b']),
    })
    await become('eve', { role: 'operator', accounts: ['b', 'c'], disabled: true })
    expect(await who(token)).toBeUndefined()
    expect(await tokens.list(apiKey)).toMatchObject([{ id: info.id, status: 'suspended' }])
    await become('eve', { role: 'administrator', accounts: [], disabled: false })
    expect(await who(token)).toEqual(whole)
    const { id } = whole!
    expect(heard).toEqual([`changed ${id}`, `revoked ${id}`, `changed ${id}`])
  })

  test('a token that is made while its owner loses rights has only those that are left', async () => {
    const { hub, db } = await startHub(await open())
    const during = Promise.withResolvers<void>()
    const waiting = Promise.withResolvers<void>()
    // Committed, and not announced to its maker yet.
    const slow: Pick<typeof hub, 'transact'> = {
      transact: async work => {
        const result = await hub.transact(work)
        waiting.resolve()
        await during.promise
        return result
      },
    }
    const { tokens, signIn, become, who } = tokensOn(db, slow as typeof hub)
    const eve = await signIn('eve', 'administrator', [])
    const making = tokens.create(eve, { ...reader, accounts: ['a', 'b'] })
    await waiting.promise
    await become('eve', { role: 'operator', accounts: ['b'], disabled: false })
    during.resolve()
    const { token } = await making
    expect(await who(token)).toMatchObject({ accounts: new Set(['b']) })
  })

  test('a deleted user has no tokens any more', async () => {
    const { tokens, signIn, who, heard, db } = await setUp(await open())
    const { token, info } = await tokens.create(await signIn('ann', 'operator', ['a']), reader)
    await who(token)
    heard.length = 0
    await new UserStore(db).delete('ann')
    await tokens.known.follow('ann')
    expect(await who(token)).toBeUndefined()
    expect(heard).toEqual([`revoked token-${info.id}`])
    expect(await tokens.list(apiKey)).toEqual([])
  })

  test('a change, a new secret and an end count at once, and what is open hears of it', async () => {
    const { tokens, signIn, who, heard, facts } = await setUp(await open())
    const ann = await signIn('ann', 'operator', ['a', 'b'])
    const { token, info } = await tokens.create(ann, { ...reader, accounts: ['a', 'b'] })
    const { id } = (await who(token))!
    heard.length = 0

    const changed = await tokens.change(ann, info.id, { name: 'Watcher', accounts: ['b'], scopes: ['mail:meta'] })
    expect(changed).toMatchObject({ name: 'Watcher', accounts: ['b'], scopes: ['mail:meta'], prefix: info.prefix })
    expect(await who(token)).toMatchObject({ id, accounts: new Set(['b']), scopes: new Set(['mail:meta']) })
    expect(heard.splice(0)).toEqual([`changed ${id}`])

    const rotated = await tokens.rotate(ann, info.id)
    expect(await who(token)).toBeUndefined()
    expect(await who(rotated.token)).toMatchObject({ id, name: 'Watcher', accounts: new Set(['b']) })
    expect(heard.splice(0)).toEqual([`revoked ${id}`, `changed ${id}`])

    await tokens.revoke(ann, info.id)
    expect(await who(rotated.token)).toBeUndefined()
    expect(heard).toEqual([`revoked ${id}`])
    expect(typesOf(facts())).toEqual(['token_created', 'token_updated', 'token_updated', 'token_revoked'])
    expect(facts()[1]).toMatchObject({ data: { token_id: info.id, changed: ['name', 'scopes', 'accounts'] } })
    expect(facts()[2]).toMatchObject({ data: { token_id: info.id, name: 'Watcher', changed: ['secret'] } })
    await expect(tokens.revoke(ann, info.id)).rejects.toEqual(problem('token_not_found'))
  })

  test('a user has 100 tokens at most, all together 1,000, though they are asked for at the same time', async () => {
    const { tokens, signIn, db } = await setUp(await open())
    const ann = await signIn('ann', 'operator', ['a'])
    const ben = await signIn('ben', 'operator', ['a'])
    const { info } = await tokens.create(ann, reader)
    const row = await db.selectFrom('api_tokens').selectAll().where('id', '=', info.id).executeTakeFirstOrThrow()
    const insert = (count: number, user_id: string) => {
      const rows = Array.from({ length: count }, (_, index) => `${user_id}-${index}`)
      return db
        .insertInto('api_tokens')
        .values(rows.map(id => ({ ...row, id, user_id, token_hash: id })))
        .execute()
    }
    await insert(97, 'ann')
    const asked = await Promise.allSettled([1, 2, 3, 4].map(() => tokens.create(ann, reader)))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect(asked.find(({ status }) => status === 'rejected')).toMatchObject({ reason: problem('too_many_tokens') })
    for (let index = 0; index < 9; index++) {
      await signIn(`user${index}`, 'viewer', [])
      await insert(100, `user${index}`)
    }
    await expect(tokens.create(ben, reader)).rejects.toEqual(problem('too_many_tokens'))
    await tokens.revoke(ann, info.id)
    await tokens.create(ben, reader)
  })

  test('the last use is a time at which it was used, kept once a minute at most, and written when there is time', async () => {
    const { tokens, signIn, who, clock, store } = await setUp(await open())
    const ann = await signIn('ann', 'operator', ['a'])
    clock.now += 7_123
    const { token, info } = await tokens.create(ann, reader)
    const now = () => new Date(clock.now).toISOString()
    const firstUse = now()
    let writes = 0
    const noteUses = store.noteUses.bind(store)
    store.noteUses = uses => {
      writes++
      return noteUses(uses)
    }
    for (let index = 0; index < 100; index++) await who(token, '198.51.100.7')
    await tokens.known.stop()
    // In another minute of the clock, but less than a minute later.
    clock.now += 59_999
    await who(token, '198.51.100.8')
    await tokens.known.stop()
    expect(writes).toBe(1)
    expect(await tokens.list(ann)).toMatchObject([{ last_used_at: firstUse, last_used_address: '198.51.100.7' }])
    expect(firstUse >= info.created_at).toBe(true)
    clock.now += 1
    await who(token, '198.51.100.8')
    await tokens.known.stop()
    const later = { last_used_at: now(), last_used_address: '198.51.100.8' }
    expect(await tokens.list(ann)).toMatchObject([later])
    // The time of the last use is kept when the token is looked up again.
    await tokens.known.follow('ann')
    clock.now += minute - 1
    await who(token, '198.51.100.9')
    await tokens.known.stop()
    expect(await tokens.list(ann)).toMatchObject([later])
  })
})

test('users cannot grant a token rights or accounts that they lack, nor learn which exist', async () => {
  const { tokens, signIn, become, who } = await setUp()
  const ann = await signIn('ann', 'operator', ['a', 'b'])
  const ask = (change: Partial<TokenInput>) => tokens.create(ann, { ...reader, ...change }).catch(error => error)
  expect(await ask({ scopes: ['mail:read', 'mail:send', 'dashboard:admin'] })).toMatchObject({
    code: 'beyond_own_rights',
    message: expect.stringContaining('mail:send, dashboard:admin'),
  })
  // c exists and d does not.
  const [existing, missing] = [await ask({ accounts: ['a', 'c'] }), await ask({ accounts: ['a', 'd'] })]
  expect(existing).toMatchObject({ code: 'beyond_own_rights', message: expect.stringMatching(/account c\b/) })
  expect(missing).toMatchObject({ code: existing.code, message: existing.message.replace('account c', 'account d') })
  const eve = await signIn('eve', 'administrator', [])
  await expect(tokens.create(eve, { ...reader, accounts: ['a', 'd'] })).rejects.toEqual(problem('account_not_found'))
  const { info: all } = await tokens.create(eve, reader)
  await expect(tokens.change(eve, all.id, { accounts: ['d'] })).rejects.toEqual(problem('account_not_found'))

  // The session has more rights than the user has by now: the database decides.
  const { token, info } = await tokens.create(ann, reader)
  await become('ann', { role: 'viewer', accounts: ['b'], disabled: false })
  await expect(tokens.create(ann, reader)).rejects.toEqual(problem('beyond_own_rights'))
  await expect(tokens.change(ann, info.id, { accounts: ['a'] })).rejects.toEqual(problem('beyond_own_rights'))
  await expect(tokens.change(ann, info.id, { scopes: ['mail:organize'] })).rejects.toEqual(problem('beyond_own_rights'))
  // A right that it has but cannot use does not keep the rest from being changed.
  await tokens.change(ann, info.id, { name: 'Old', scopes: ['mail:read', 'dashboard:read'], accounts: ['b'] })
  expect(await who(token)).toMatchObject({ scopes: new Set(['dashboard:read']), accounts: new Set(['b']) })
  await become('ann', { role: 'viewer', accounts: ['b'], disabled: true })
  await expect(tokens.create(ann, reader)).rejects.toEqual(problem('session_needed'))
})

test('a token makes and changes no tokens, and the API key of the environment makes none', async () => {
  const { tokens, signIn, who } = await setUp()
  const eve = await signIn('eve', 'administrator', [])
  const { token, info } = await tokens.create(eve, { ...reader, scopes: ['dashboard:admin'] })
  const bot = (await who(token))!
  await expect(tokens.create(bot, reader)).rejects.toEqual(problem('session_needed'))
  await expect(tokens.change(bot, info.id, { name: 'x' })).rejects.toEqual(problem('session_needed'))
  await expect(tokens.rotate(bot, info.id)).rejects.toEqual(problem('session_needed'))
  await expect(tokens.revoke(bot, info.id)).rejects.toEqual(problem('session_needed'))
  await expect(tokens.create(apiKey, reader)).rejects.toEqual(problem('session_needed'))
  await expect(tokens.rotate(apiKey, info.id)).rejects.toEqual(problem('session_needed'))
  await tokens.revoke(apiKey, info.id)
  expect(await who(token)).toBeUndefined()
})

test('someone else’s token is none, but for an administrator, who does not get its secret', async () => {
  const { tokens, signIn, who } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  const ben = await signIn('ben', 'operator', ['a'])
  const eve = await signIn('eve', 'administrator', [])
  const { token, info } = await tokens.create(ann, reader)
  const other = await tokens.create(ann, { ...reader, name: 'Other' })
  await tokens.create(ben, reader)
  const idsOf = async (principal: Principal) => (await tokens.list(principal)).map(({ id }) => id)
  expect(await idsOf(ann)).toEqual(expect.arrayContaining([info.id, other.info.id]))
  expect(await idsOf(ann)).toHaveLength(2)
  expect(await idsOf((await who(token))!)).toEqual([info.id])
  expect(await idsOf(eve)).toHaveLength(3)
  expect(await idsOf(apiKey)).toHaveLength(3)
  for (const attempt of [
    tokens.change(ben, info.id, { name: 'Mine' }),
    tokens.rotate(ben, info.id),
    tokens.revoke(ben, info.id),
  ]) {
    await expect(attempt).rejects.toEqual(problem('token_not_found'))
  }
  await expect(tokens.rotate(eve, info.id)).rejects.toEqual(problem('forbidden'))
  expect(await tokens.change(eve, info.id, { scopes: ['mail:meta'] })).toMatchObject({ user_id: 'ann' })
  expect(await who(token)).toMatchObject({ scopes: new Set(['mail:meta']) })
  // Not even an administrator can raise it above its owner.
  await expect(tokens.change(eve, info.id, { scopes: ['mail:send'] })).rejects.toEqual(problem('beyond_own_rights'))
})

test('a token works until it expires and from the addresses that it allows, and nowhere else', async () => {
  const { tokens, signIn, who, clock } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  const at = (ms: number) => new Date(clock.now + ms).toISOString()
  const limits = { expires_at: at(minute), allowed_addresses: ['10.0.0.0/8', '2001:db8::/32'] }
  const { token, info } = await tokens.create(ann, { ...reader, ...limits })
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1']) {
    expect(await who(token, address), address).toMatchObject({ endsAt: clock.now + minute })
  }
  for (const address of ['11.1.2.3', '2001:db9::1', '']) expect(await who(token, address), address).toBeUndefined()
  clock.now += minute
  expect(await who(token, '10.1.2.3')).toBeUndefined()
  expect(await tokens.list(ann)).toMatchObject([{ status: 'expired' }])
  // The end that has passed may stay as it is; no other may be in the past.
  await tokens.change(ann, info.id, { name: 'Old', expires_at: limits.expires_at })
  const past = tokens.change(ann, info.id, { expires_at: at(-1) })
  await expect(past).rejects.toEqual(problem('bad_request'))
  await tokens.change(ann, info.id, { expires_at: null, allowed_addresses: [] })
  expect(await who(token, '11.1.2.3')).toMatchObject({ endsAt: undefined })

  const wrong = { ...reader, allowed_addresses: ['10.0.0.0/8', '10.0.0.0/40'] }
  await expect(tokens.create(ann, wrong)).rejects.toMatchObject({
    code: 'bad_request',
    extension: { errors: [{ path: 'body.allowed_addresses.1' }] },
  })
  await expect(tokens.create(ann, { ...reader, expires_at: at(0) })).rejects.toEqual(problem('bad_request'))
})

test('what a token has open is closed when it may come from other addresses than before', async () => {
  const { tokens, signIn, who, heard } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  const { token, info } = await tokens.create(ann, reader)
  const id = `token-${info.id}`
  await who(token)
  heard.splice(0)
  await tokens.change(ann, info.id, { allowed_addresses: ['10.0.0.0/8'] })
  expect(heard.splice(0)).toEqual([`revoked ${id}`, `changed ${id}`])
  await tokens.change(ann, info.id, { allowed_addresses: ['10.0.0.0/8'], name: 'Other' })
  expect(heard).toEqual([`changed ${id}`])
})

test('a new token is known at once, and the others of its owner are not told', async () => {
  const { tokens, signIn, heard } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  await tokens.create(ann, reader)
  heard.splice(0)
  const { token, info } = await tokens.create(ann, reader)
  expect(tokens.known.authenticate(token, '192.0.2.1')).toMatchObject({ id: `token-${info.id}` })
  expect(heard).toEqual([])
})

test('neither known nor wrong tokens, however many, keep the database busy', async () => {
  const { tokens, store, signIn, who, clock } = await setUp()
  const { token } = await tokens.create(await signIn('ann', 'operator', ['a']), reader)
  const swapped = token.at(-1) === 'a' ? 'b' : 'a'
  for (let index = 0; index < 1_000; index++) {
    // Synchronously, without even a promise.
    expect(tokens.known.authenticate(token, '192.0.2.1')).toMatchObject({ kind: 'token' })
    expect(tokens.known.authenticate(`${token.slice(0, -1)}${swapped}`, '192.0.2.1')).toBeUndefined()
  }
  expect(store.lookups).toBe(0)

  const stranger = createToken()
  await Promise.all(Array.from({ length: 50 }, () => who(stranger)))
  for (let index = 0; index < 50; index++) expect(tokens.known.authenticate(stranger, '192.0.2.1')).toBeUndefined()
  expect(store.lookups).toBe(1)
  clock.now += 31_000
  await who(stranger)
  expect(store.lookups).toBe(2)

  const flood = await Promise.allSettled(Array.from({ length: 500 }, () => who(createToken())))
  expect(store.lookups).toBe(2 + 64)
  expect(flood.filter(({ status }) => status === 'rejected')).toHaveLength(500 - 64)
  expect(flood.at(-1)).toMatchObject({ reason: problem('overloaded') })
  expect(tokens.known.authenticate(token, '192.0.2.1')).toMatchObject({ kind: 'token' })
})

test('what was read before a change is worth nothing after it', async () => {
  const { hub, db } = await startHub()
  const { tokens, signIn } = tokensOn(db, hub)
  const ann = await signIn('ann', 'operator', ['a'])
  const { token, info } = await tokens.create(ann, reader)
  // As after a start: nothing is cached yet.
  const { tokens: started, store } = tokensOn(db, hub)
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  store.beforeAnswer = () => {
    reached.resolve()
    return released.promise
  }
  const slow = started.known.authenticate(token, '192.0.2.1')
  await reached.promise
  await started.revoke(ann, info.id)
  released.resolve()
  expect(await slow).toBeUndefined()
})

test('when it cannot be read what someone may now, all that their tokens have open is closed', async () => {
  const { tokens, store, signIn, who, heard } = await setUp()
  const { token, info } = await tokens.create(await signIn('ann', 'operator', ['a']), reader)
  await who(token)
  heard.length = 0
  store.isBroken = true
  await expect(tokens.known.follow('ann')).rejects.toThrow('the database went away')
  expect(heard).toEqual([`revoked token-${info.id}`])
  store.isBroken = false
  // Earlier results are not cached; it is looked up again.
  expect(tokens.known.authenticate(token, '192.0.2.1')).toBeInstanceOf(Promise)
  expect(await who(token)).toMatchObject({ id: `token-${info.id}` })
})

test('the open stream of a token is narrowed and closed with it', async () => {
  const { hub, open, as, publish, db } = await hubOnHttp({}, await memoryDatabase())
  const listener = {
    changed: (principal: Principal) => hub.changePrincipal(principal),
    revoked: (id: string) => hub.closeStreamsOf(id),
  }
  const { tokens, signIn, become, who } = tokensOn(db, hub, listener)
  const ann = await signIn('ann', 'operator', ['a', 'b', 'c'])
  const { token, info } = await tokens.create(ann, { ...reader, accounts: ['a', 'b', 'c'] })
  as((await who(token))!)
  const stream = await open()
  await stream.next('welcome')
  let uid = 0
  const at = new Date().toISOString()
  const mails = () =>
    publish(
      ...['a', 'b', 'c'].map((account_id): Fact => {
        return { type: 'mail_received', data: { account_id, folder: 'INBOX', uid: ++uid, uid_validity: 1, at } }
      }),
    )
  const seen = () => stream.events.flatMap(({ data }) => (data as { account_id?: string }).account_id ?? []).join('')
  await mails()
  await expect.poll(seen).toBe('abc')
  await tokens.change(ann, info.id, { accounts: ['b', 'c'] })
  await mails()
  await expect.poll(seen).toBe('abcbc')
  await become('ann', { role: 'operator', accounts: ['c'], disabled: false })
  await mails()
  await expect.poll(seen).toBe('abcbcc')
  await tokens.revoke(ann, info.id)
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'revoked' })
  await stream.ended
  expect(seen()).toBe('abcbcc')
})
