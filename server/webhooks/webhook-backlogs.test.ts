/** Order for each account alone: what fails of one waits beside the others, in its order, at least once, also over an end of the process. */
import { expect, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { patience } from '../../test/support/patience.ts'
import { answer } from '../../test/support/webhook-sink.ts'
import { reader, webhookWorld } from '../../test/support/webhook-world.ts'
import { scopeSet } from '../platform/principal.ts'
import type { WebhookKind } from './webhook-kind.ts'

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)
const all = { ...reader('token-1', ['a', 'b', 'c']), scopes: scopeSet(['mail:meta', 'dashboard:read']) }

onEachDatabase(open => {
  const world = async () => {
    const order = { isByAccount: true }
    const kind: Partial<WebhookKind> = {
      isByAccount: () => order.isByAccount,
      filterOf: () => ({ types: new Set(['mail_received', 'server_started']), accounts: undefined }),
      ended: () => undefined,
      messageOf: async (_row, _principal, { number, fact }) =>
        fact.type === 'mail_received'
          ? { id: `evt_${number}`, body: JSON.stringify({ uid: fact.data.uid, account: fact.data.account_id }) }
          : fact.type === 'server_started'
            ? { id: `evt_${number}`, body: JSON.stringify({ uid: Number(fact.data.version), account: 'none' }) }
            : undefined,
    }
    const parts = await webhookWorld(await open(), { kind })
    const { sink, add, store } = parts
    const one = await add('one', { principal: all })
    const refused = new Set<unknown>()
    sink.judges.set(one.path, ({ account }) => (refused.has(account) ? answer(500) : undefined))
    const uidsOf = (account: string) =>
      sink
        .of(one)
        .filter(({ body }) => body.account === account)
        .map(({ body }) => body.uid)
    const told = (account: string, ...uids: number[]) =>
      vi.waitFor(() => expect(uidsOf(account)).toEqual(uids), patience)
    const backlogs = async () => (await store.listBacklogs()).map(({ account_id }) => account_id)
    return { ...parts, one, refused, uidsOf, told, backlogs, order }
  }

  test('an account that fails waits in its order, and the others go on; then it goes on with them, and nothing is told twice', async () => {
    const { one, refused, deliverTo, told, backlogs, store, log, engine, sink, uidsOf } = await world()
    refused.add('a')
    for (const number of range(1, 20)) for (const account of ['a', 'b', 'c']) await deliverTo(account, number)
    await told('b', ...range(1, 20))
    await told('c', ...range(1, 20))
    expect(uidsOf('a')).toEqual([])
    expect(await backlogs()).toEqual(['a'])
    expect(engine.backlogsOf(one.id)).toMatchObject([{ account_id: 'a', last_fault: 'http_5xx' }])
    await vi.waitFor(async () => expect((await store.find(one.id))!.place).toBe(log.newest), patience)
    // The log waits for what waits.
    expect(await store.lowestPlace()).toBe((await store.listBacklogs())[0]!.place)
    expect(engine.find(one.id)!.failures).toBe(0)
    refused.delete('a')
    await told('a', ...range(1, 20))
    await vi.waitFor(async () => expect(await backlogs()).toEqual([]), patience)
    for (const account of ['b', 'a', 'a']) await deliverTo(account, uidsOf(account).length + 1)
    await vi.waitFor(() => expect(uidsOf('b').length).toBe(21), patience)
    await vi.waitFor(() => expect(uidsOf('a').length).toBe(22), patience)
    expect(sink.uniqueIds(one)).toBe(sink.of(one).length)
    expect(sink.faults).toEqual([])
  })

  test('what is of no account waits for itself too, in its order, also over an end of the process', async () => {
    const { refused, deliverTo, told, backlogs, stop, start, hub, uidsOf, engine, one } = await world()
    const tellNone = (number: number) =>
      hub.publish({ type: 'server_started', data: { version: String(number), at: new Date().toISOString() } })
    refused.add('none').add('a')
    for (const number of range(1, 5)) {
      tellNone(number)
      for (const account of ['a', 'b']) await deliverTo(account, number)
    }
    await told('b', ...range(1, 5))
    // The answers to the others may still be under way.
    await vi.waitFor(async () => expect((await backlogs()).sort()).toEqual(['', 'a']), patience)
    expect(engine.find(one.id)!.failures).toBe(0)
    expect([uidsOf('none'), uidsOf('a')]).toEqual([[], []])
    await stop()
    tellNone(6)
    refused.delete('none')
    await start()
    await vi.waitFor(() => expect([...new Set(uidsOf('none'))]).toEqual(range(1, 6)), patience)
    await vi.waitFor(async () => expect(await backlogs()).toEqual(['a']), patience)
    refused.delete('a')
    await vi.waitFor(() => expect([...new Set(uidsOf('a'))]).toEqual(range(1, 5)), patience)
  })

  test('an end of the process loses nothing of what waits, and keeps its order', async () => {
    const { refused, deliverTo, told, stop, start, uidsOf, one, store, log } = await world()
    refused.add('a').add('b')
    for (const number of range(1, 5)) for (const account of ['a', 'b', 'c']) await deliverTo(account, number)
    await told('c', ...range(1, 5))
    await stop()
    for (const account of ['a', 'c']) await deliverTo(account, 6)
    // As a kill leaves it: the endpoint got further than is stored.
    await store.renew(one.id, { place: log.newest - 8 })
    refused.delete('a')
    await start()
    await vi.waitFor(() => expect([...new Set(uidsOf('a'))]).toEqual(range(1, 6)), patience)
    await vi.waitFor(() => expect([...new Set(uidsOf('c'))]).toEqual(range(1, 6)), patience)
    expect(uidsOf('b')).toEqual([])
    refused.delete('b')
    await vi.waitFor(() => expect([...new Set(uidsOf('b'))]).toEqual(range(1, 5)), patience)
  })

  test('an endpoint that cannot be reached is away for all accounts', async () => {
    const { deliverTo, told, backlogs, sink, engine, one } = await world()
    await sink.close()
    for (const number of range(1, 3)) for (const account of ['a', 'b']) await deliverTo(account, number)
    await vi.waitFor(() => expect(engine.find(one.id)!.last_fault).toBe('connection_refused'), patience)
    expect(await backlogs()).toEqual([])
    await sink.listen()
    await told('a', ...range(1, 3))
    await told('b', ...range(1, 3))
  })

  test('order for all together begins again where the furthest behind is; another place counts for all', async () => {
    const { refused, deliverTo, told, backlogs, engine, one, order, uidsOf, log } = await world()
    refused.add('a')
    for (const number of range(1, 3)) for (const account of ['a', 'b']) await deliverTo(account, number)
    await told('b', ...range(1, 3))
    order.isByAccount = false
    refused.delete('a')
    await engine.restart(one.id, { next_try_at: null }, all)
    await told('a', ...range(1, 3))
    await vi.waitFor(() => expect(uidsOf('b')).toEqual([1, 2, 3, 1, 2, 3]), patience)
    expect(await backlogs()).toEqual([])
    order.isByAccount = true
    refused.add('a')
    await engine.restart(one.id, {}, all)
    await deliverTo('a', 4)
    await vi.waitFor(async () => expect(await backlogs()).toEqual(['a']), patience)
    await engine.restart(one.id, { place: log.newest }, all)
    expect(await backlogs()).toEqual([])
    refused.delete('a')
    await deliverTo('a', 5)
    await told('a', 1, 2, 3, 5)
  })

  test('410 for one account ends the endpoint; what waits stays, and is told when it begins again', async () => {
    const { refused, deliverTo, told, sink, one, engine, backlogs, store } = await world()
    refused.add('a')
    await deliverTo('a', 1)
    await vi.waitFor(async () => expect(await backlogs()).toEqual(['a']), patience)
    sink.judges.set(one.path, () => answer(410))
    await deliverTo('b', 1)
    await vi.waitFor(async () => expect((await store.find(one.id))!.ending).toContain('gone'), patience)
    expect(await backlogs()).toEqual(['a'])
    expect(await store.lowestPlace()).toBeUndefined()
    sink.judges.delete(one.path)
    await engine.restart(one.id, { ending: null, next_try_at: null }, all)
    await told('a', 1)
    await told('b', 1)
    await vi.waitFor(async () => expect(await backlogs()).toEqual([]), patience)
    expect(await store.remove(one.id)).toBe(true)
  })
})
