/** Webhooks of programs as their owners see them: who may what, bounds, replay, and what stays over an end of the process. */
import { expect, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { patience } from '../../test/support/patience.ts'
import { mail, reader, webhookWorld } from '../../test/support/webhook-world.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { WebhookEndpoints } from '../webhooks/webhook-endpoints.ts'
import { DeliveryLog } from './delivery-log.ts'
import { control, messageOf } from './program-webhooks.ts'
import { WebhookService } from './webhook-service.ts'

const given = { types: [], accounts: [], query: null, order: 'endpoint' as const }
const session = (userId: string, isAdmin = false): Principal => ({
  ...{ id: `session-${userId}`, name: userId, kind: 'session', userId },
  ...{ scopes: isAdmin ? everyScope : new Set(), accounts: 'all' },
})
const code = async (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  )

onEachDatabase(open => {
  const world = async () => {
    const parts = await webhookWorld(await open(), { kind: { ended: () => undefined } })
    const { store, engine, hub, secrets, standing, sink } = parts
    standing.set('token-1', reader())
    const attempts = new DeliveryLog()
    const service = new WebhookService({
      ...{ endpoints: new WebhookEndpoints(store, engine), sender: { send: async () => ({ kind: 'sent', text: '' }) } },
      ...{ secrets, places: hub.places, log: attempts, now: Date.now, logger: createLogger('silent') },
      standing: async ({ principal_id: id }) => standing.get(id),
      hasToken: async id => standing.has(`token-${id}`),
      checkQuery: () => undefined,
    })
    const create = async (principal = reader(), name = 'one') => {
      const { url, path } = sink.endpoint(name)
      const made = await service.create(principal, { name, url, ...given })
      sink.secrets.set(path, [made.secret])
      return { ...made.webhook, path }
    }
    return { ...parts, service, attempts, create }
  }

  test('deliveries about an account or of a type that a caller may no longer see are not shown to it', async () => {
    const { service, attempts, create } = await world()
    const { id } = await create(reader('token-1', ['a', 'b']))
    for (const message of [messageOf('evt_a', mail(1)), messageOf('evt_b', mail(2, 'b')), control('test', 't', {})]) {
      attempts.add(id, { message, outcome: { kind: 'sent', text: '' }, at: 0, durationMs: 1 })
    }
    const shownTo = async (principal: Principal) => (await service.deliveries(principal, id)).map(each => each.id)
    expect(await shownTo(reader('token-1', ['a', 'b']))).toEqual(['t', 'evt_b', 'evt_a'])
    expect(await shownTo(reader())).toEqual(['t', 'evt_a'])
    expect(await shownTo({ ...reader(), scopes: new Set() })).toEqual(['t'])
    expect(await shownTo({ ...session('ann'), scopes: everyScope, accounts: new Set(['b']) })).toEqual(['t', 'evt_b'])
    expect(await shownTo(session('root', true))).toEqual(['t', 'evt_b', 'evt_a'])
  })

  test('its token, the user of the token, and administrators that see all accounts may all; others see nothing of it', async () => {
    const { service, create } = await world()
    const { id } = await create()
    const adminToken: Principal = { ...reader('token-9', ['b']), userId: 'eve', scopes: everyScope }
    const may = async (principal: Principal) => [
      await code(service.get(principal, id)),
      await code(service.deliveries(principal, id)),
      await code(service.change(principal, id, { name: 'other' })),
    ]
    for (const owner of [reader(), session('ann'), session('root', true)]) {
      expect(await may(owner)).toEqual(['done', 'done', 'done'])
    }
    for (const other of [adminToken, reader('token-2'), session('bob')]) {
      expect(await may(other)).toEqual(Array(3).fill('webhook_not_found'))
      expect(await service.list(other)).toEqual([])
    }
    expect((await service.list(session('ann'))).map(each => each.name)).toEqual(['other'])
  })

  test('a principal has 50 at most', async () => {
    const { service, create } = await world()
    for (let count = 0; count < 50; count++) await create(reader(), `hook ${count}`)
    expect(await code(create(reader(), 'one more'))).toBe('too_many_webhooks')
    expect((await service.list(reader())).length).toBe(50)
  })

  test('replay moves the place back; what is disabled stays so over a restart, and goes on where it was', async () => {
    const { service, create, deliver, until, stop, start, store, sink, hub, log } = await world()
    const hook = await create()
    await deliver(1, 2, 3)
    await until(hook, 1, 2, 3)
    const ids = sink.of(hook).map(({ id }) => id)
    // The kind of these tests names facts by their number alone.
    const first = hub.places.idOf(Number(ids[0]!.replace('evt_', '')))
    await service.replay(reader(), hook.id, { after: `evt_${first}` })
    await until(hook, 1, 2, 3, 2, 3)
    expect(sink.of(hook).map(({ id }) => id)).toEqual([...ids, ids[1], ids[2]])
    await service.replay(reader(), hook.id, { from: new Date(0).toISOString() })
    await until(hook, 1, 2, 3, 2, 3, 1, 2, 3)
    // Redelivered until the last acknowledgement is stored.
    await vi.waitFor(async () => expect((await store.find(hook.id))!.place).toBe(log.newest), patience)
    expect(await service.disable(reader(), hook.id)).toMatchObject({ state: 'disabled', disabled: { why: 'asked' } })
    await stop()
    await deliver(4)
    const { engine } = await start()
    expect(engine.find(hook.id)).toBeUndefined()
    await engine.restart(hook.id, { ending: null }, reader())
    await until(hook, 1, 2, 3, 2, 3, 1, 2, 3, 4)
    expect((await store.find(hook.id))?.ending).toBeNull()
  })

  test('it goes with its token, also where that was revoked meanwhile', async () => {
    const { service, create, standing, store } = await world()
    await create()
    service.revoked('token-1')
    await service.stop()
    expect((await store.list()).length).toBe(1)
    standing.delete('token-1')
    service.revoked('token-1')
    await vi.waitFor(async () => expect(await store.list()).toEqual([]), patience)
    standing.set('token-1', reader())
    await create()
    standing.delete('token-1')
    await service.start()
    expect(await store.list()).toEqual([])
  })
})
