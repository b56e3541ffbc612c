import { expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { DiscoveryService } from './discovery-service.ts'
import { usualTimes } from './discovery-times.ts'
import { PlaceFault } from './outcome.ts'
import { ShippedProviders } from './shipped-providers.ts'

const caller = (id: string): Principal => ({
  id,
  name: id,
  kind: 'session',
  scopes: new Set(['dashboard:admin']),
  userId: id,
  accounts: 'all',
})
const [anna, ben] = [caller('user-anna'), caller('user-ben')]
const providers = new ShippedProviders()

/** Everything that is asked is silent, until the service stops. */
function silentService({ mayAsk: mayQuery = true } = {}) {
  const asked: string[] = []
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  const ask = (name: string) => {
    asked.push(name)
    return promise
  }
  const clock = { now: Date.now() }
  const service = new DiscoveryService({
    providers,
    tools: {
      names: {
        services: ask,
        exchangers: ask,
        texts: ask,
        addresses: ask,
        cancel: () => reject(new PlaceFault('failed', 'It ends.')),
      },
      fetchDocument: ({ url }) => ask(url),
      look: ({ host }) => ask(host),
      times: usualTimes,
    },
    mayQuery,
    now: () => clock.now,
    logger: createLogger('silent'),
  })
  onTestFinished(() => service.stop())
  return { service, asked, clock }
}

const ever = new AbortController().signal

test('the same address of the same caller is looked for once at a time', async () => {
  const { service, asked } = silentService()
  const [one, same] = [await service.start(anna, 'anna@example.org'), await service.start(anna, 'anna@example.org')]
  expect(same.id).toBe(one.id)
  expect(new Set(asked).size).toBe(asked.length)
  expect((await service.start(ben, 'anna@example.org')).id).not.toBe(one.id)
})

test('one caller has few at a time, and all together have more', async () => {
  const { service } = silentService()
  for (let count = 0; count < 4; count++) await service.start(anna, `anna@example${count}.org`)
  await expect(service.start(anna, 'anna@example.net')).rejects.toMatchObject({ code: 'overloaded' })
  for (let count = 0; count < 12; count++) await service.start(caller(`user-${count}`), 'anna@example.org')
  await expect(service.start(caller('user-last'), 'anna@example.org')).rejects.toMatchObject({ code: 'overloaded' })
})

test('a wait ends with a change, and at once where there was one already', async () => {
  const { service } = silentService()
  const begun = await service.start(anna, 'anna@example.org')
  const wait = { since: 0, waitMs: 600_000 }
  expect((await service.get(anna, begun.id, wait, ever)).revision).toBe(begun.revision)
  const waiting = service.get(anna, begun.id, { ...wait, since: begun.revision }, ever)
  await service.stop()
  expect((await waiting).revision).toBeGreaterThanOrEqual(begun.revision)
})

test('what is over is kept for its caller for ten minutes', async () => {
  const { service, clock } = silentService()
  const { id } = await service.start(anna, 'anna@gmail.com')
  const now = { since: 0, waitMs: 0 }
  expect((await service.get(anna, id, now, ever)).state).toBe('finished')
  await expect(service.get(ben, id, now, ever)).rejects.toMatchObject({ code: 'not_found' })
  clock.now += 10 * 60_000 + 1_000
  await expect(service.get(anna, id, now, ever)).rejects.toMatchObject({ code: 'not_found' })
})

test('many that are over are not kept', async () => {
  const { service } = silentService()
  const first = await service.start(anna, 'anna@gmail.com')
  for (let count = 0; count < 64; count++) await service.start(anna, 'anna@gmail.com')
  const now = { since: 0, waitMs: 0 }
  await expect(service.get(anna, first.id, now, ever)).rejects.toMatchObject({ code: 'not_found' })
})

test('a server limited to its own data sends no query', async () => {
  const { service, asked } = silentService({ mayAsk: false })
  const { state, candidates } = await service.start(anna, 'anna@example.org')
  expect([state, candidates, asked]).toEqual(['finished', [], []])
  expect((await service.start(anna, 'anna@web.de')).candidates[0]?.provider).toBe('WEB.DE')
})
