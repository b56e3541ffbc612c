/** What a freeze stops, from the moment in which it is asked for until a user lifts it, in this process and in others. */
import { expect, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import {
  admin,
  bot,
  key,
  move,
  other,
  owner,
  read,
  search,
  serviceOn,
  setUp,
  stops,
} from '../../test/support/freeze-world.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { FreezeStore } from './freeze-store.ts'

onEachDatabase(open => {
  test('a frozen token changes nothing and reads on, unless reading is stopped too; others and users go on; a user lifts it', async () => {
    const { freezes, start, facts } = await serviceOn(await open())
    const forgetBeyond = vi.spyOn(FreezeStore.prototype, 'forgetBeyond')
    const heard: boolean[] = []
    freezes.onChange(() => heard.push(freezes.isFrozen(bot, 'a')))
    const allowed = await freezes.freeze(admin, { principal: 'bot', reads: 'allow', reason: 'odd mails' })
    expect(allowed).toMatchObject({ target: 'principal', principal: 'bot', by: { id: 'session-1' }, lifted_at: null })
    expect([bot, other, key, admin].map(who => stops(freezes, who, move, 'a'))).toEqual([true, false, false, false])
    expect([stops(freezes, bot, read, 'a'), freezes.isFrozen(bot, 'a'), freezes.stopsReading(bot)]).toEqual([
      false,
      true,
      false,
    ])
    expect([other, key, admin].map(who => freezes.isFrozen(who, 'a'))).toEqual([false, false, false])
    expect(() => freezes.stops.check(bot, move)).toThrow('A human stopped what this caller does: odd mails.')
    // Repeated equally strictly it is the same freeze. A stricter one is added, and both are lifted together.
    expect((await freezes.freeze(admin, { principal: 'token-bot', reads: 'allow' })).id).toBe(allowed.id)
    const stricter = await freezes.freeze(owner, { principal: 'bot', reads: 'stop' })
    expect([stops(freezes, bot, read, 'a'), freezes.stopsReading(bot)]).toEqual([true, true])
    for (const reads of ['allow', 'stop'] as const)
      expect((await freezes.freeze(owner, { principal: 'bot', reads })).id).toBe(stricter.id)
    const restarted = await start()
    expect(stops(restarted, bot, read)).toBe(true)
    await expect(freezes.lift(key, stricter.id)).rejects.toMatchObject({ code: 'session_needed' })
    await expect(freezes.lift(bot, stricter.id)).rejects.toMatchObject({ code: 'session_needed' })
    expect(heard.at(-1)).toBe(true)
    // Each new one leaves room for a bounded number of lifted ones.
    expect(forgetBeyond.mock.calls.map(([, kept]) => kept)).toEqual([1_000, 1_000])
    await freezes.lift(admin, stricter.id)
    expect([stops(freezes, bot, move, 'a'), stops(freezes, bot, read)]).toEqual([false, false])
    expect(heard.at(-1)).toBe(false)
    await expect.poll(() => stops(restarted, bot, move)).toBe(false)
    await expect(freezes.lift(admin, stricter.id)).rejects.toMatchObject({ code: 'not_found' })
    const past = await freezes.list(admin, false)
    expect(past.map(({ lifted_by }) => lifted_by?.name)).toEqual(['Ada', 'Ada'])
    expect(await freezes.list(admin, true)).toEqual([])
    const told = facts().flatMap(({ type, data }) => (type === 'freeze_changed' ? [data] : []))
    expect(told.map(({ is_frozen }) => is_frozen)).toEqual([true, true, false, false])
  })

  test('another process knows of it by the fact', async () => {
    const { freezes, start } = await serviceOn(await open())
    const second = await start()
    const { id } = await freezes.freeze(admin, { everything: true, reads: 'allow' })
    await expect
      .poll(() => [bot, other, key, admin].map(who => stops(second, who, move, 'a')))
      .toEqual([true, true, true, false])
    await second.lift(admin, id)
    await expect.poll(() => stops(freezes, key, move)).toBe(false)
  })
})

test('a frozen account cannot be changed, and programs read it only while that is allowed; users may read and set it up', async () => {
  const { freezes } = await serviceOn()
  await freezes.freeze(admin, { account_id: 'a', reads: 'stop' })
  expect([admin, owner, bot].map(who => stops(freezes, who, move, 'a'))).toEqual([true, true, true])
  expect([admin, owner, bot].map(who => freezes.isFrozen(who, 'a'))).toEqual([true, true, true])
  expect([admin, owner, bot].map(who => stops(freezes, who, read, 'a'))).toEqual([false, false, true])
  expect([stops(freezes, admin, setUp, 'a'), stops(freezes, bot, move, 'b'), stops(freezes, bot, read, 'b')]).toEqual([
    false,
    false,
    false,
  ])
  // A call that shows mail of all accounts would show that of the frozen one.
  expect([bot, other, key, admin].map(who => stops(freezes, who, search))).toEqual([true, false, true, false])
  expect([bot, other, key, admin].map(who => freezes.stopsReading(who))).toEqual([true, false, true, false])
})

test('rights to freeze: operators anything that they see, users their own tokens, a token itself', async () => {
  const { freezes } = await serviceOn()
  const narrow: Principal = { ...admin, accounts: new Set(['b']) }
  const stranger: Principal = { ...owner, userId: 'cy' }
  const plain: Principal = { ...bot, scopes: scopeSet(['mail:read']) }
  const reads = 'allow'
  await expect(freezes.freeze(narrow, { account_id: 'a', reads })).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(freezes.freeze(admin, { account_id: 'z', reads })).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(freezes.freeze(owner, { account_id: 'a', reads })).rejects.toMatchObject({ code: 'forbidden' })
  await expect(freezes.freeze(owner, { everything: true, reads })).rejects.toMatchObject({ code: 'forbidden' })
  await expect(freezes.freeze(owner, { principal: 'api_key', reads })).rejects.toMatchObject({ code: 'forbidden' })
  await expect(freezes.freeze(stranger, { principal: 'bot', reads })).rejects.toMatchObject({ code: 'token_not_found' })
  await expect(freezes.freeze(admin, { principal: 'nosuch', reads })).rejects.toMatchObject({ code: 'token_not_found' })
  await expect(freezes.freeze(plain, { principal: 'other', reads })).rejects.toMatchObject({ code: 'token_not_found' })
  expect((await freezes.freeze(plain, { principal: 'bot', reads })).principal).toBe('bot')
  expect((await freezes.freeze(owner, { principal: 'other', reads })).principal).toBe('other')
  expect((await freezes.freeze(admin, { principal: 'api_key', reads })).principal).toBe('api_key')
  const of = await freezes.freeze(admin, { account_id: 'a', reads })
  expect((await freezes.list(narrow, true)).map(({ id }) => id)).not.toContain(of.id)
  await expect(freezes.lift(narrow, of.id)).rejects.toMatchObject({ code: 'not_found' })
})

test('reads of what is no mail are not stopped by the freeze of an account, but the event stream is', async () => {
  const { freezes } = await serviceOn()
  await freezes.freeze(admin, { account_id: 'a', reads: 'stop' })
  const shows = (name: string, scope: 'signed_in' | 'dashboard:read' | 'public') =>
    stops(freezes, bot, { name, scope, effect: 'read' })
  expect([shows('events.streamEvents', 'signed_in'), shows('metrics.getStats', 'dashboard:read')]).toEqual([
    true,
    false,
  ])
  expect([shows('access.getSession', 'signed_in'), shows('system.live', 'public')]).toEqual([false, false])
})

class FullStore extends FreezeStore {
  isFull = true
  override async insert(...given: Parameters<FreezeStore['insert']>) {
    if (this.isFull) throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    return super.insert(...given)
  }
}

test('no more than a hundred freezes wait to be stored: the next one is refused and does not apply', async () => {
  const { db } = await startHub()
  const { freezes } = await serviceOn(db, new FullStore(db))
  for (let index = 0; index < 100; index++) {
    await expect(freezes.freeze(admin, { account_id: 'a', reads: 'allow' })).rejects.toMatchObject({
      code: 'revocation_not_stored',
    })
  }
  await expect(freezes.freeze(admin, { principal: 'bot', reads: 'stop' })).rejects.toThrow('database or disk is full')
  expect([stops(freezes, bot, read, 'b'), stops(freezes, bot, move, 'a')]).toEqual([false, true])
})

test('a freeze that is not stored yet is none for users who do not see its account', async () => {
  const { db } = await startHub()
  const { freezes } = await serviceOn(db, new FullStore(db))
  await expect(freezes.freeze(admin, { account_id: 'a', reads: 'allow' })).rejects.toMatchObject({
    code: 'revocation_not_stored',
  })
  const [shown] = await freezes.list(admin, true)
  const narrow: Principal = { ...admin, accounts: new Set(['b']) }
  await expect(freezes.lift(narrow, shown!.id)).rejects.toMatchObject({ code: 'not_found' })
})

test('while the database takes no writes it applies nevertheless, is stored when it does, and cannot be lifted before', async () => {
  const { db } = await startHub()
  const store = new FullStore(db)
  const { freezes, start } = await serviceOn(db, store)
  await expect(freezes.freeze(admin, { principal: 'bot', reads: 'stop' })).rejects.toMatchObject({
    code: 'revocation_not_stored',
  })
  expect(stops(freezes, bot, read)).toBe(true)
  // What sends and changes mail reads the database, which does not know of it.
  expect(await freezes.isFrozenNow(bot, 'a')).toBe(true)
  // Who asks for the same is not told that it is stored.
  await expect(freezes.freeze(admin, { principal: 'bot', reads: 'stop' })).rejects.toMatchObject({
    code: 'revocation_not_stored',
  })
  const [shown] = await freezes.list(admin, true)
  await expect(freezes.lift(admin, shown!.id)).rejects.toMatchObject({ code: 'overloaded' })
  store.isFull = false
  await expect.poll(async () => (await store.listActive()).length).toBe(2)
  expect(stops(await start(), bot, read)).toBe(true)
  await expect.poll(() => freezes.lift(admin, shown!.id).then(() => 'lifted', String)).toBe('lifted')
  expect(stops(freezes, bot, read)).toBe(false)
})
