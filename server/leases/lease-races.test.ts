/** Leases that are given back, lost or wanted again while a statement about them is under way. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { createLogger } from '../platform/logger.ts'
import { LeaseService, type LeaseServiceOptions } from './lease-service.ts'
import { LeaseStore } from './lease-store.ts'

const long = { leaseMs: 3_600_000, renewEveryMs: 3_600_000, marginMs: 0 }
const quick = { ...long, renewEveryMs: 10 }

/** Holds each acquisition until it is let through, and records what is acquired and released. */
class HeldStore extends LeaseStore {
  readonly acquired: string[][] = []
  readonly released: string[] = []
  /** The newest acquisition that was let through. */
  last: Promise<unknown> = Promise.resolve()
  #gate: PromiseWithResolvers<void> | undefined

  hold(): void {
    this.#gate = Promise.withResolvers()
  }

  pass(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  override async acquire(...given: Parameters<LeaseStore['acquire']>) {
    this.acquired.push([...given[0]])
    await this.#gate?.promise
    const taken = super.acquire(...given)
    this.last = taken
    return taken
  }

  override releaseOne(name: string, holder: string) {
    this.released.push(name)
    return super.releaseOne(name, holder)
  }
}

async function start(options: Partial<LeaseServiceOptions> = {}) {
  const db = await memoryDatabase()
  const store = new HeldStore(db)
  const logger = createLogger('silent')
  const service = new LeaseService({ store, isAlone: false, renews: true, times: long, logger, ...options })
  onTestFinished(() => service.stop())
  await service.start()
  const rowOf = (name: string) => db.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst()
  /** Wants a lease, and returns once the statement that acquires it is held. */
  const wantHeld = async (name: string) => {
    store.hold()
    const before = store.acquired.length
    const claim = service.want(name)
    await vi.waitFor(() => expect(store.acquired.length).toBeGreaterThan(before), { interval: 1 })
    return claim
  }
  const isHeld = (name: string) => rowOf(name).then(row => row !== undefined && row.holder !== null)
  return { db, store, service, rowOf, isHeld, wantHeld }
}

const fenced = (db: Database, lease: Lease | undefined) =>
  db.transaction().execute(transaction => lease!.fence(transaction))

test('one that is given back while it is being acquired is released after that', async () => {
  const { store, wantHeld, isHeld } = await start()
  const claim = await wantHeld('loop')
  const given = claim.giveBack()
  store.pass()
  await given
  expect([claim.find(), await isHeld('loop')]).toEqual([undefined, false])
})

test('one that is being acquired when its process stops is released, also if it is given back meanwhile', async () => {
  for (const isGivenBack of [false, true]) {
    const { store, service, wantHeld, isHeld } = await start()
    const claim = await wantHeld('loop')
    const given = isGivenBack ? claim.giveBack() : undefined
    const stopped = service.stop()
    // A release that did not wait for the acquisition would come before it.
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate)
    store.pass()
    await Promise.all([given, stopped])
    await store.last
    expect([store.released, await isHeld('loop')]).toEqual([[], false])
  }
})

test('its end counts from before the statement that acquired it was sent, however long that took', async () => {
  const { store, service, wantHeld } = await start()
  const now = performance.now.bind(performance)
  const claim = await wantHeld('loop')
  vi.spyOn(performance, 'now').mockImplementation(() => now() + long.leaseMs)
  store.pass()
  const other = service.want('other')
  await expect.poll(() => other.find()?.name).toBe('other')
  expect(claim.find()).toBeUndefined()
})

test('while the database accepts none, that is logged once', async () => {
  const logger = createLogger('silent')
  const warned = vi.spyOn(logger, 'warn')
  const { store, service } = await start({ logger, times: quick })
  const acquire = vi.spyOn(store, 'acquire').mockRejectedValue(new Error('away'))
  service.want('loop')
  await expect.poll(() => acquire.mock.calls.length).toBeGreaterThan(3)
  expect(warned).toHaveBeenCalledOnce()
})

test('one that is wanted again while it is given back stays with its new claim', async () => {
  const { db, store, service, wantHeld, isHeld } = await start()
  const first = await wantHeld('loop')
  const given = first.giveBack()
  const second = service.want('loop')
  store.pass()
  await given
  await expect.poll(() => second.find()?.name).toBe('loop')
  expect([first.find(), await isHeld('loop')]).toEqual([undefined, true])
  // A second time is a no-op.
  await first.giveBack()
  expect(second.find()?.name).toBe('loop')
  await fenced(db, second.find())
})

test('one that is wanted while others are being acquired comes right after them; one that was given back delays none', async () => {
  const { store, service, wantHeld } = await start()
  store.hold()
  const claims = [service.want('a'), service.want('b')]
  await vi.waitFor(() => expect(store.acquired).toEqual([['a', 'b']]), { interval: 1 })
  const given = claims[0]!.giveBack()
  const late = service.want('c')
  store.pass()
  await given
  await expect.poll(() => [claims[1]!, late].map(claim => claim.find()?.name)).toEqual(['b', 'c'])
  expect(claims[0]!.find()).toBeUndefined()
  const last = await wantHeld('d')
  store.pass()
  await expect.poll(() => last.find()?.name).toBe('d')
})

test('one is not used in the time before its end in which a write might arrive too late', async () => {
  const { service } = await start({ times: { leaseMs: 60_000, renewEveryMs: 3_600_000, marginMs: 60_000 } })
  const seen: unknown[] = []
  const claim = service.want('loop', { won: () => seen.push(claim.find()) })
  await expect.poll(() => seen).toEqual([undefined])
})

test('one that was lost stays lost to the loop that had it, also when this process has it again', async () => {
  const { db, service, rowOf } = await start({ times: quick })
  const lost = vi.fn()
  const claim = service.want('loop', { lost })
  await expect.poll(() => claim.find()?.name).toBe('loop')
  const before = claim.find()
  // Another process had it in the meantime.
  await db
    .updateTable('leases')
    .set(({ eb }) => ({ token: eb('token', '+', 1) }))
    .execute()
  await expect.poll(() => lost.mock.calls.length).toBe(1)
  await expect.poll(() => claim.find()?.name).toBe('loop')
  await expect(fenced(db, before)).rejects.toThrow(LeaseLost)
  await fenced(db, claim.find())
  expect((await rowOf('loop'))!.token).toBe(2)
})

test('a lease that could not be written yet protects nothing that another process holds by then', async () => {
  const db = await memoryDatabase()
  class FullStore extends LeaseStore {
    override acquire(...given: Parameters<LeaseStore['acquire']>) {
      return given[3] ? super.acquire(...given) : Promise.reject(new Error('full'))
    }
  }
  const { service } = await start({ store: new FullStore(db), isAlone: true })
  const claim = service.want('loop')
  await new LeaseStore(db).acquire(['loop'], 'another', 3_600)
  await expect(fenced(db, claim.find())).rejects.toThrow(LeaseLost)
})

test('more than five hundred are acquired by several statements', async () => {
  const { store, service } = await start()
  const claims = Array.from({ length: 501 }, (_, number) => service.want(`watch:${number}`))
  await expect.poll(() => claims.filter(claim => claim.find()).length).toBe(501)
  expect(store.acquired.map(({ length }) => length)).toEqual([500, 1])
})
