/** Copies of drafts in the mailbox: put there once a draft rests, replaced, removed, and never there twice, whatever is lost on the way. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { agent, signal, startDrafts } from '../../test/support/draft-world.ts'
import { patience } from '../../test/support/patience.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import { LeaseService } from '../leases/lease-service.ts'
import { LeaseStore } from '../leases/lease-store.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { DraftCopier, type DraftCopierOptions } from './draft-copier.ts'

const logger = createLogger('silent')

async function startCopies(more: Partial<DraftCopierOptions> = {}) {
  const world = await startDrafts({ restMs: 0 })
  const gateway = new MemoryGateway()
  const login = async () => ({ host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }) as const
  const limits = { connection_timeout_seconds: 5, max_connections: 50, connection_pool_size: 3 }
  const pool = new ConnectionPool({ gateway, login, limits, health: { setConnections: () => undefined }, logger })
  const leases = new LeaseService({ store: new LeaseStore(world.db), isAlone: true, renews: false, logger })
  await leases.start()
  const { store, copies, composer, blobs, hub } = world
  const backoff = { firstMs: 1, maxMs: 5, random: () => 1 }
  const emailOf = async () => 'ann@example.org'
  const notice = vi.fn()
  const shared = { store, copies, composer, blobs, hub, pool, leases, emailOf, notice, logger, backoff }
  const start = () => {
    const copier = new DraftCopier({ ...shared, ...more })
    copier.start()
    return copier
  }
  let copier = start()
  onTestFinished(async () => {
    await copier.stop()
    await pool.stop()
    await leases.stop()
  })
  const saved = async (id: string) => (await world.drafts.get(agent, 'a', id)).saved
  return {
    ...world,
    ...{ gateway, pool, notice, saved },
    there: () => gateway.getFolder('Drafts').messages.map(({ subject, flags }) => `${subject} ${flags.join(' ')}`),
    until: async (id: string, state: string) => {
      await expect.poll(async () => (await saved(id)).state, { timeout: patience }).toBe(state)
      return saved(id)
    },
    stop: () => copier.stop(),
    restart: async () => {
      await copier.stop()
      copier = start()
    },
  }
}

test('a copy is put into the Drafts folder, replaced by the next revision, and goes with its draft', async () => {
  const world = await startCopies()
  const { id } = await world.create({ to: ['b@b.example'], subject: 'one' })
  const first = await world.until(id, 'saved')
  expect(world.there()).toEqual([expect.stringMatching(/^one .*draft/)])
  expect(first).toMatchObject({ folder: 'Drafts', ref: expect.any(String), why: null })
  await world.drafts.change(agent, 'a', id, { rev: 1, subject: 'two' })
  await expect.poll(world.there, { timeout: patience }).toEqual([expect.stringMatching(/^two/)])
  await world.until(id, 'saved')
  await world.drafts.discard(agent, 'a', id)
  await expect.poll(world.there, { timeout: patience }).toEqual([])
  expect(world.notice).toHaveBeenCalledWith('a', 'Drafts')
  await expect.poll(() => world.db.selectFrom('draft_copies').selectAll().execute(), { timeout: patience }).toEqual([])
})

test('what was sent is no draft any more', async () => {
  const world = await startCopies()
  const { id } = await world.create({ subject: 'one' })
  await world.until(id, 'saved')
  for (const state of ['submitted', 'sent'] as const) {
    await world.hub.transact((transaction, publish) => world.drafts.mark(transaction, publish, id, state, 's1'))
  }
  await expect.poll(world.there, { timeout: patience }).toEqual([])
})

test.each(['before', 'after'] as const)('a response that is lost %s the server did it leaves one copy', async when => {
  const world = await startCopies()
  await world.stop()
  const runOnce = world.pool.runOnce.bind(world.pool)
  let losses = 2
  world.pool.runOnce = async (...[accountId, priority, change, ...rest]) => {
    if (losses-- <= 0) return runOnce(accountId, priority, change, ...rest)
    if (when === 'after') await runOnce(accountId, priority, change, ...rest)
    throw new UnknownOutcome(new Error('the connection was lost'))
  }
  const { id } = await world.create({ subject: 'one' })
  await world.restart()
  await world.until(id, 'saved')
  expect(world.there().length).toBe(1)
  losses = 1
  await world.drafts.change(agent, 'a', id, { rev: 1, subject: 'two' })
  await expect.poll(world.there, { timeout: patience }).toEqual([expect.stringMatching(/^two/)])
  await world.until(id, 'saved')
  expect(world.there().length).toBe(1)
})

test('after a restart it goes on where it was, and nothing is there twice', async () => {
  const world = await startCopies()
  await world.stop()
  const { id } = await world.create({ subject: 'one' })
  await world.restart()
  await world.until(id, 'saved')
  // The state if the process ended between the append and its commit.
  await world.db.updateTable('draft_copies').set({ state: 'waiting', saved_rev: null, uid: null, due_at: '' }).execute()
  await world.restart()
  await world.until(id, 'saved')
  expect(world.there().length).toBe(1)
  // And if the draft was discarded while nothing ran.
  await world.stop()
  await world.drafts.discard(agent, 'a', id)
  await world.restart()
  await expect.poll(world.there, { timeout: patience }).toEqual([])
})

test('an account without the folder has no copies; an unreachable server is retried, and does not block writing', async () => {
  const world = await startCopies({ attempts: 3 })
  world.gateway.folders.delete('Drafts')
  const { id } = await world.create({ subject: 'one' })
  expect(await world.until(id, 'none')).toMatchObject({ why: 'The account has no Drafts folder.', folder: null })
  const run = world.pool.run
  world.pool.run = async () => {
    throw new Error('away')
  }
  await world.drafts.change(agent, 'a', id, { rev: 1, subject: 'two' })
  expect(await world.until(id, 'failed')).toMatchObject({ why: 'The copy could not be saved.' })
  world.pool.run = run
  expect((await world.drafts.change(agent, 'a', id, { rev: 2, subject: 'three' })).subject).toBe('three')
  await world.until(id, 'none')
  expect((await world.composer.compose(agent, 'a', id, 3, signal)).subject).toBe('three')
})

/** A gateway whose commands of this name fail so many times. @returns The names of all commands sent. */
function failing({ gateway }: { gateway: MemoryGateway }, step: string, error: () => unknown, times = 1): string[] {
  const steps: string[] = []
  let left = times
  gateway.delay = name => {
    steps.push(name)
    if (name === step && left-- > 0) throw error()
  }
  return steps
}

const unreachable = () => new Problem('mail_server_unreachable', 'The mail server is down.', { part: 'imap' })

test('the older copy is marked as deleted where the mail server cannot remove single messages, and only there', async () => {
  const world = await startCopies()
  const { id } = await world.create({ subject: 'one' })
  await world.until(id, 'saved')
  const retried = failing(world, 'expunge', unreachable)
  await world.drafts.change(agent, 'a', id, { rev: 1, subject: 'two' })
  await expect.poll(world.there, { timeout: patience }).toEqual([expect.stringMatching(/^two/)])
  await world.until(id, 'saved')
  expect(retried).not.toContain('setFlags')
  failing(world, 'expunge', () => new Problem('mail_server_refused', 'There is no UIDPLUS.', { part: 'imap' }))
  await world.drafts.change(agent, 'a', id, { rev: 2, subject: 'three' })
  await expect
    .poll(world.there, { timeout: patience })
    .toEqual([expect.stringMatching(/^two .*deleted/), expect.stringMatching(/^three .*(?<!deleted)$/)])
  await world.until(id, 'saved')
})

test('a folder that could not be searched has no second copy, and one that was deleted has none to remove', async () => {
  const world = await startCopies()
  await world.stop()
  const runOnce = world.pool.runOnce.bind(world.pool)
  let losses = 1
  world.pool.runOnce = async (...args) => {
    const done = await runOnce(...args)
    if (losses-- > 0) throw new UnknownOutcome(new Error('the connection was lost'))
    return done
  }
  const { id } = await world.create({ subject: 'one' })
  const steps = failing(world, 'listHeaders', unreachable, 2)
  await world.restart()
  await world.until(id, 'saved')
  expect(steps.filter(step => step === 'listHeaders').length).toBe(3)
  expect(world.there().length).toBe(1)
  await world.stop()
  await world.drafts.discard(agent, 'a', id)
  world.gateway.folders.delete('Drafts')
  await world.restart()
  await expect.poll(() => world.db.selectFrom('draft_copies').selectAll().execute(), { timeout: patience }).toEqual([])
})

test('a copy is found below hundreds of newer messages, and not searched for without end', async () => {
  const world = await startCopies()
  const { id } = await world.create({ subject: 'one' })
  await world.until(id, 'saved')
  for (let number = 0; number < 450; number++) world.gateway.deliver({ subject: 'newer' }, 'Drafts')
  await world.drafts.change(agent, 'a', id, { rev: 1, subject: 'two' })
  await expect
    .poll(() => world.there().filter(line => !line.startsWith('newer')), { timeout: patience })
    .toEqual([expect.stringMatching(/^two/)])
  await world.until(id, 'saved')
  for (let number = 0; number < 1_000; number++) world.gateway.deliver({ subject: 'newer' }, 'Drafts')
  const steps = failing(world, '', unreachable)
  await world.drafts.discard(agent, 'a', id)
  await expect.poll(() => world.db.selectFrom('draft_copies').selectAll().execute(), { timeout: patience }).toEqual([])
  expect(steps.filter(step => step === 'listHeaders').length).toBe(5)
})

test('copies that cannot be listed are listed again', async () => {
  const world = await startCopies()
  await world.stop()
  const { id } = await world.create({ subject: 'one' })
  const due = vi.spyOn(world.copies, 'due').mockRejectedValueOnce(new Error('the database is busy'))
  await world.restart()
  await world.until(id, 'saved')
  expect(due.mock.calls.length).toBeGreaterThan(1)
})

test('a failure that cannot be stored is not retried at once, and a stop does not wait for the retry', async () => {
  const warned = Promise.withResolvers<void>()
  const warn = vi.fn((_facts: object, words: string) => {
    if (words.includes('could not be stored')) warned.resolve()
  })
  const away = vi.fn(async () => Promise.reject(new Error('the disk is full')))
  const world = await startCopies({
    logger: Object.assign(createLogger('silent'), { warn }),
    backoff: { firstMs: 60 * 60_000, maxMs: 60 * 60_000, random: () => 1 },
  })
  await world.stop()
  await world.create({ subject: 'one' })
  vi.spyOn(world.copies, 'note').mockImplementation(away)
  vi.spyOn(world.copies, 'settle').mockImplementation(away)
  await world.restart()
  await warned.promise
  // An immediate retry would fail again during these.
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  expect(away).toHaveBeenCalledTimes(2)
})
