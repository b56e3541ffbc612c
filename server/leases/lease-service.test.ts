/** Leases: one holder at a time, taken over when it is gone, and no write by one that has not noticed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { KyselyPlugin } from 'kysely'
import { expect, onTestFinished, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { migrations } from '../migrations.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { migrate } from '../platform/database/migrate.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { createLogger } from '../platform/logger.ts'
import { type LeaseListener, LeaseService, type LeaseServiceOptions } from './lease-service.ts'
import { LeaseStore } from './lease-store.ts'

const logger = createLogger('silent')
const long = { leaseMs: 3_600_000, renewEveryMs: 3_600_000, marginMs: 0 }
/** Over before the next statement. */
const short = { ...long, leaseMs: 0 }
const quick = { leaseMs: 3_600_000, renewEveryMs: 10, marginMs: 0 }

function serviceOn(db: Database, options: Partial<LeaseServiceOptions> = {}): LeaseService {
  const service = new LeaseService({
    store: new LeaseStore(db),
    isAlone: false,
    renews: true,
    times: long,
    logger,
    ...options,
  })
  onTestFinished(() => service.stop())
  return service
}

const rowOf = (db: Database, name: string) =>
  db.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst()

/** A write of a loop, under its lease. */
const write = (db: Database, name: string, lease: Lease | undefined) =>
  db.transaction().execute(async transaction => {
    await transaction.insertInto('settings').values({ name, value: '1', updated_at: '' }).execute()
    await lease!.fence(transaction)
  })

const written = async (db: Database) => (await db.selectFrom('settings').select('name').execute()).map(row => row.name)

onEachDatabase((open, url) => {
  test('one holder at a time; the next one gets it when it is given back, with a higher token', async () => {
    const db = await open()
    const [one, other] = [serviceOn(db), serviceOn(db, { times: quick })]
    const won = vi.fn()
    const [held, waiting] = [one.want('loop'), other.want('loop', { won })]
    await one.start()
    await other.start()
    expect([held.find()?.name, waiting.find()]).toEqual(['loop', undefined])
    const { token: first } = (await rowOf(db, 'loop'))!
    await held.giveBack()
    await expect.poll(() => won.mock.calls.length).toBe(1)
    expect([held.find(), waiting.find()?.name]).toEqual([undefined, 'loop'])
    expect((await rowOf(db, 'loop'))!.token).toBeGreaterThan(first)
    expect(() => other.want('loop')).toThrow('already claimed')
  })

  test('a holder whose lease was taken over writes nothing more, though it has not noticed', async () => {
    const db = await open()
    // It never releases by itself, and its lease in the database expires immediately.
    const stale = serviceOn(db, { isAlone: true, times: short })
    const staleClaim = stale.want('loop')
    await stale.start()
    await write(db, 'before', staleClaim.find())
    const next = serviceOn(db)
    const claim = next.want('loop')
    await next.start()
    await write(db, 'by the next', claim.find())
    await expect(write(db, 'by the stale one', staleClaim.find())).rejects.toThrow(LeaseLost)
    expect(await written(db)).toEqual(['before', 'by the next'])
  })

  test('it hears at the next renewal that another has taken over, and stops', async () => {
    const db = await open()
    const lost = vi.fn()
    const service = serviceOn(db, { isAlone: true, times: quick })
    const claim = service.want('loop', { lost })
    await service.start()
    await db.updateTable('leases').set({ holder: 'another', token: 9, held_until: 9e12 }).execute()
    await expect.poll(() => lost.mock.calls.length).toBe(1)
    expect(claim.find()).toBeUndefined()
    expect(await rowOf(db, 'loop')).toMatchObject({ holder: 'another', token: 9 })
  })

  test('two hundred leases are taken by one statement and renewed by one', async () => {
    const statements: string[] = []
    const count: KyselyPlugin = {
      transformQuery: ({ node }) => {
        statements.push(node.kind === 'RawNode' ? node.sqlFragments.join('').trim().split(' ')[0]! : node.kind)
        return node
      },
      transformResult: async ({ result }) => result,
    }
    const service = serviceOn((await open()).withPlugin(count), { times: quick })
    const claims = Array.from({ length: 200 }, (_, index) => service.want(`watch:${index}`))
    await service.start()
    expect(statements).toEqual(['insert'])
    expect(claims.filter(claim => claim.find())).toHaveLength(200)
    await expect.poll(() => statements.length).toBeGreaterThan(3)
    expect(new Set(statements.slice(1))).toEqual(new Set(['update']))
    await service.stop()
    expect(statements.at(-1)).toBe('UpdateQueryNode')
  })

  test('the only server of a database takes over immediately from a killed one, and goes on while no lease can be written', async () => {
    const db = await open()
    const store = new LeaseStore(db)
    await store.acquire(['loop'], 'killed', 3_600)
    const alone = serviceOn(db, { isAlone: true })
    const claim = alone.want('loop')
    await alone.start()
    await write(db, 'at once', claim.find())
    expect((await rowOf(db, 'loop'))!.token).toBe(2)
    await alone.stop()

    class FullStore extends LeaseStore {
      override acquire(...[names, holder, seconds, transaction]: Parameters<LeaseStore['acquire']>) {
        if (!transaction) return Promise.reject(new Error('full'))
        return super.acquire(names, holder, seconds, transaction)
      }
    }
    const full = serviceOn(db, { isAlone: true, store: new FullStore(db) })
    const granted = full.want('loop')
    await full.start()
    await write(db, 'under a lease that is written with it', granted.find())
    expect(await written(db)).toEqual(['at once', 'under a lease that is written with it'])
    expect((await rowOf(db, 'loop'))!.token).toBeGreaterThan(2)
  })

  test('a holder that cannot renew stops before its lease expires', async () => {
    const db = await open()
    let isAway = false
    class AwayStore extends LeaseStore {
      override acquire(...given: Parameters<LeaseStore['acquire']>) {
        return isAway ? Promise.reject(new Error('the database does not answer')) : super.acquire(...given)
      }
      override renew(...given: Parameters<LeaseStore['renew']>) {
        return isAway ? Promise.reject(new Error('the database does not answer')) : super.renew(...given)
      }
    }
    const lost = vi.fn()
    const times = { leaseMs: 60_000, renewEveryMs: 50, marginMs: 59_700 }
    const service = serviceOn(db, { store: new AwayStore(db), times })
    const claim = service.want('loop', { lost })
    await service.start()
    isAway = true
    await expect.poll(() => lost.mock.calls.length).toBe(1)
    expect(claim.find()).toBeUndefined()
    const seconds = (await rowOf(db, 'loop'))!.held_until - Date.now() / 1_000
    expect(seconds, 'nobody else can have it yet').toBeGreaterThan(0)
    isAway = false
    await expect.poll(() => claim.find()?.name).toBe('loop')
  })

  test('what is asked for and given back while the server runs comes and goes; of what is over nothing is kept', async () => {
    const db = await open()
    const service = serviceOn(db)
    await service.start()
    const listener: LeaseListener = { won: vi.fn() }
    const claim = service.want('watch:a', listener)
    await expect.poll(() => vi.mocked(listener.won!).mock.calls.length).toBe(1)
    await claim.giveBack(true)
    expect(await rowOf(db, 'watch:a')).toBeUndefined()
    const again = service.want('watch:b')
    // Before the lease was acquired.
    await again.giveBack()
    expect((await rowOf(db, 'watch:b'))?.holder ?? null).toBeNull()
  })

  test('of two processes the second takes over from one that hangs, refuses its late write, and is followed when it is killed', async () => {
    const databaseUrl = await url()
    const db = openDatabase(databaseUrl)
    onTestFinished(() => db.destroy())
    await migrate(db, migrations)
    const one = startHolder(databaseUrl, 'one')
    expect(await one.next()).toBe('won')
    const other = startHolder(databaseUrl, 'other')
    expect(await other.next()).toBe('waits')
    // Its last renewal may still be under way in the database.
    const takesOver = async (next: ReturnType<typeof startHolder>, from: string | null) => {
      let word: string | undefined
      const said = next.next().then(first => {
        word = first
      })
      const letPass = () => db.updateTable('leases').set({ held_until: 0 }).where('holder', '=', from).execute()
      await expect.poll(async () => word ?? void (await letPass())).toBe('won')
      await said
    }
    const holder = async () => (await rowOf(db, 'loop'))!.holder
    const stopped = await holder()
    one.child.kill('SIGSTOP')
    await takesOver(other, stopped)
    one.child.stdin.write('write stale\n')
    one.child.kill('SIGCONT')
    // It notices before or after it is refused.
    expect([await one.next(), await one.next()].sort()).toEqual(['lost', 'refused'])
    other.child.stdin.write('write\n')
    expect(await other.next()).toBe('written')
    const killed = await holder()
    other.child.kill('SIGKILL')
    await takesOver(one, killed)
    one.child.stdin.write('write\n')
    expect(await one.next()).toBe('written')
    expect((await written(db)).map(name => name.split(' ')[0]).sort()).toEqual(['one', 'other'])
  })
})

function startHolder(url: string, name: string) {
  const program = new URL('../../test/support/lease-holder.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [program, url, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, next: async () => (await lines.next()).value as string }
}
