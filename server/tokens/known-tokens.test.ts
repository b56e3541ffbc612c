/** Each use of a token is noted, whenever it comes; access tokens of connected clients are for one place and time. */
import { expect, test } from 'vitest'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { minute, reader, setUp } from '../../test/support/tokens-on.ts'
import { createToken } from './token-format.ts'

test('a use in any moment of the end of a write of uses is written too', async () => {
  const { tokens, signIn, who, store, clock } = await setUp(await memoryDatabase())
  const ann = await signIn('ann', 'operator', ['a'])
  const [one, other] = [await tokens.create(ann, reader), await tokens.create(ann, reader)]
  let written: string[] = []
  let depth = 0
  const later = (left: number): void => {
    if (left === 0) void who(other.token)
    else queueMicrotask(() => later(left - 1))
  }
  const noteUses = store.noteUses.bind(store)
  store.noteUses = async uses => {
    await noteUses(uses)
    written.push(...uses.map(({ id }) => id))
    if (uses.some(({ id }) => id === one.info.id)) later(depth)
  }
  for (; depth < 12; depth++) {
    written = []
    clock.now += minute
    await who(one.token)
    await tokens.known.stop()
    await new Promise(setImmediate)
    await tokens.known.stop()
    expect(written).toEqual([one.info.id, other.info.id])
  }
})

onEachDatabase(open => {
  test('an access token is good where it was issued for, until its hour or its connection ends; others stay', async () => {
    const { tokens, signIn, heard, clock } = await setUp(await open())
    const ann = await signIn('ann', 'operator', ['a'])
    const client = { client_id: 'client', name: 'Client', host: null, redirect_host: 'localhost' }
    const expires_at = new Date(clock.now + 100 * minute).toISOString()
    const { token: secret, info } = await tokens.create(ann, { ...reader, expires_at }, client)
    const [here, there] = ['https://mail.example.org', 'https://other.example.org']
    const issue = async (minutes: number) => {
      const token = createToken()
      await tokens.issueSecret(token, info.id, here, new Date(clock.now + minutes * minute).toISOString())
      return token
    }
    const [first, second, long] = [await issue(10), await issue(20), await issue(1_000)]
    const who = async (token: string, audience?: string) =>
      (await tokens.known.authenticate(token, '192.0.2.7', audience))?.id
    const id = `token-${info.id}`
    // Twice: from the database, and from memory.
    for (let round = 0; round < 2; round++) {
      expect(await who(first, here)).toBe(id)
      expect(await who(first, there)).toBeUndefined()
      expect(await who(first)).toBeUndefined()
      expect(await who(second, here)).toBe(id)
      expect(await who(long, here)).toBe(id)
    }
    expect(await tokens.list(ann)).toMatchObject([{ id: info.id, oauth_client: client, expires_at }])
    await expect(tokens.rotate(ann, info.id)).rejects.toMatchObject({ code: 'forbidden' })
    clock.now += 11 * minute
    expect(await who(first, here)).toBeUndefined()
    heard.length = 0
    await tokens.change(ann, info.id, { name: 'Other' })
    expect(heard.filter(words => words.startsWith('revoked'))).toEqual([])
    expect(await who(second, here)).toBe(id)
    await tokens.endSecret(second)
    expect(await who(second, here)).toBeUndefined()
    // No longer than the connection itself.
    expect(await who(long, here)).toBe(id)
    clock.now += 100 * minute
    expect(await who(long, here)).toBeUndefined()
    expect(secret).not.toBe(long)
    await tokens.pruneSecrets()
    await tokens.endConnection(info.id, 'the test ends')
    expect(await tokens.list(ann)).toEqual([])
  })
})

test('changes are followed one after the other, and one that failed does not keep the next from being followed', async () => {
  const { tokens, store, signIn, who } = await setUp()
  const ann = await signIn('ann', 'operator', ['a', 'b'])
  const { token, info } = await tokens.create(ann, { ...reader, accounts: ['a', 'b'] })
  store.isBroken = true
  await expect(tokens.known.follow('ann')).rejects.toThrow('the database went away')
  store.isBroken = false
  // The first change is read, and answered only once the second has been read too, if that is asked for meanwhile.
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const listOf = store.listOf.bind(store)
  store.listOf = async userId => {
    store.listOf = listOf
    const rows = await listOf(userId)
    reached.resolve()
    await released.promise
    return rows
  }
  const first = tokens.known.follow('ann')
  await reached.promise
  const second = tokens.change(ann, info.id, { accounts: ['b'] })
  await expect.poll(async () => (await store.find(info.id))!.accounts).toBe('["b"]')
  await new Promise(setImmediate)
  released.resolve()
  await Promise.all([first, second])
  expect(await who(token)).toMatchObject({ accounts: new Set(['b']) })
})

test('a use is noted after the clock was set back, and after one that could not be written', async () => {
  const { tokens, store, signIn, who, clock } = await setUp()
  const ann = await signIn('ann', 'operator', ['a'])
  const { token } = await tokens.create(ann, reader)
  const noteUses = store.noteUses.bind(store)
  store.noteUses = () => Promise.reject(new Error('no database'))
  await who(token)
  await tokens.known.stop()
  store.noteUses = noteUses
  for (const ms of [minute, -60 * minute]) {
    clock.now += ms
    await who(token)
    await tokens.known.stop()
    expect(await tokens.list(ann)).toMatchObject([{ last_used_at: new Date(clock.now).toISOString() }])
  }
})

test('past two thousand wrong tokens the first is forgotten, and looked up again', async () => {
  const { store, who } = await setUp()
  const wrong = Array.from({ length: 2_001 }, createToken)
  for (let from = 0; from < wrong.length; from += 50)
    await Promise.all(wrong.slice(from, from + 50).map(each => who(each)))
  expect(store.lookups).toBe(2_001)
  await who(wrong[1]!)
  expect(store.lookups).toBe(2_001)
  await who(wrong[0]!)
  expect(store.lookups).toBe(2_002)
})

test('what an expired access token opened is closed with the connection of its client', async () => {
  const { tokens, signIn, heard, clock } = await setUp()
  const client = { client_id: 'client', name: 'Client', host: null, redirect_host: 'localhost' }
  const { info } = await tokens.create(await signIn('ann', 'operator', ['a']), reader, client)
  const [token, here] = [createToken(), 'https://mail.example.org']
  await tokens.issueSecret(token, info.id, here, new Date(clock.now + minute).toISOString())
  expect(await tokens.known.authenticate(token, '192.0.2.7', here)).toMatchObject({ kind: 'token' })
  clock.now += 2 * minute
  await tokens.endConnection(info.id, 'the test ends')
  expect(heard).toContain(`revoked token-${info.id}`)
})
