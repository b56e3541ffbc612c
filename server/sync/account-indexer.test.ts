/** An account's index beside its mail server: what it holds after whatever happens there, and what is published. */
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import type { TrafficObserver } from '../imap/traffic.ts'
import { IndexThreads } from '../index/index-threads.ts'
import { createLogger } from '../platform/logger.ts'
import { AccountIndexer } from './account-indexer.ts'
import { type BackgroundStep, UsageService } from './usage-service.ts'
import { UsageStore } from './usage-store.ts'

const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
const logger = createLogger('silent')
const soon = { firstMs: 1, maxMs: 20, random: () => 1 }

let gateway: MemoryGateway
let pool: ConnectionPool
let threads: IndexThreads
let indexer: AccountIndexer
let world: Awaited<ReturnType<typeof startHub>>
let dir: ReturnType<typeof tempDir>
let traffic: TrafficObserver | undefined
let facts: { type: string; data: object }[]

beforeEach(async () => {
  gateway = new MemoryGateway()
  traffic = undefined
  world = await startHub()
  await keepAccount(world.db, 'a')
  dir = tempDir('indexer')
  const limits = { connection_timeout_seconds: 5, max_connections: 5, connection_pool_size: 2 }
  pool = new ConnectionPool({
    gateway,
    login: async () => login,
    limits,
    health: { setConnections: () => undefined },
    logger,
    traffic: {
      opened: (...told) => traffic?.opened(...told),
      moved: (...told) => traffic?.moved(...told),
    },
  })
  threads = new IndexThreads({
    home: { dir: join(dir.path, 'index') },
    damaged: () => indexer.renew(),
    thread: join(import.meta.dirname, '../../test/support/index-thread.ts'),
  })
  facts = []
  for (const type of ['mail_changed', 'mail_removed', 'folder_changed'] as const) {
    world.hub.listen(type, data => facts.push({ type, data }))
  }
  indexer = newIndexer()
})
afterEach(async () => {
  gateway.delay = () => undefined
  await indexer.stop()
  await pool.stop()
  await threads.close()
  dir.remove()
})

const newIndexer = (options = {}) =>
  new AccountIndexer({
    mailbox: 'ann@mail.example:993',
    accountId: 'a',
    index: threads.of('a'),
    pool,
    hub: world.hub,
    db: world.db,
    logger,
    backoff: soon,
    ...options,
  })
const { signal } = new AbortController()
const index = () => threads.of('a')
const uidsIn = async (path: string) => {
  const { messages } = await index().listMessages({ path, limit: 2_000 })
  return messages.map(({ places }) => places.find(place => place.path === path)!.uid).toReversed()
}
const flagsOf = async (path: string, uid: number) => {
  const { messages } = await index().listMessages({ path, limit: 1_000 })
  return messages.flatMap(({ places }) => places).find(place => place.path === path && place.uid === uid)?.flags
}
const isComplete = () => vi.waitFor(() => expect(indexer.isComplete).toBe(true))
const holds = (path: string, uids: number[]) =>
  vi.waitFor(async () => expect(await uidsIn(path)).toEqual(uids), { interval: 10 })
const target = (path: string, ...uids: number[]) => ({ path, uidValidity: gateway.getFolder(path).uidValidity, uids })
const writer = () => pool.runOnce.bind(pool, 'a', 'interactive')

test('what is there is indexed, newest first, with texts, and none of it is told as new', async () => {
  const uids = Array.from({ length: 450 }, (_, n) =>
    gateway.deliver({ subject: `mail ${n}`, text: `text ${n}`, messageId: `<${n}@x>` }),
  )
  gateway.deliver({ subject: 'sent', messageId: '<s@x>' }, 'Sent')
  indexer.start()
  await isComplete()
  expect(await uidsIn('INBOX')).toEqual(uids)
  expect(await index().figures()).toMatchObject({ messages: 451, texts: 451 })
  const { messages } = await index().listMessages({ path: 'INBOX', limit: 1 })
  expect(messages).toMatchObject([{ subject: 'mail 449', preview: 'text 449' }])
  expect(facts.filter(({ type }) => type !== 'folder_changed')).toEqual([])
})

test('a folder of which the server does not say in time how it stands is asked about again before the next round, of which the time may change', async () => {
  const uid = gateway.deliver({ subject: 'sent', messageId: '<s@x>' }, 'Sent')
  gateway.unsaid.add('Sent')
  let looks = 0
  gateway.delay = step => {
    if (step === 'listStandings' && ++looks === 2) gateway.unsaid.clear()
  }
  indexer = newIndexer({ roundMs: 3_600_000 })
  indexer.start()
  await holds('Sent', [uid])
  expect(looks).toBe(2)
  const later = gateway.deliver({ messageId: '<later@x>' }, 'Archive')
  indexer.lookEvery(1)
  await holds('Archive', [later])
})

test('a message that the mail server could not give is read again, and not forever', async () => {
  const busy = gateway.deliver({ subject: '', messageId: null, faults: ['unreadable'] })
  const broken = gateway.deliver({ subject: '', messageId: null, faults: ['unreadable'] })
  let count = 0
  gateway.delay = step => {
    if (step !== 'headersOf') return
    count++
    const [first] = gateway.getFolder('INBOX').messages
    Object.assign(first!, { subject: 'readable', messageId: '<1@x>', faults: [] })
  }
  indexer.start()
  const subjects = async () => {
    const { messages } = await index().listMessages({ path: 'INBOX', limit: 10 })
    return messages.map(({ subject }) => subject)
  }
  await vi.waitFor(async () => expect(await subjects()).toEqual(['', 'readable']))
  expect(await uidsIn('INBOX')).toEqual([busy, broken])
  await vi.waitFor(() => expect(count).toBe(3))
  await indexer.look(60_000)
  await isComplete()
  expect(count).toBe(3)
})

test('what changes while it is read ahead is indexed as it is then', async () => {
  const uids = Array.from({ length: 900 }, (_, n) => gateway.deliver({ subject: `mail ${n}`, messageId: `<${n}@x>` }))
  const readAhead = Promise.withResolvers<void>()
  let fetched = 0
  // The gateway's later reads need no turn of the event loop.
  gateway.delay = step => void (step === 'listHeaders' && ++fetched === 2 && setImmediate(readAhead.resolve))
  const operations = index()
  const changed = uids[100]!
  let isFirst = true
  const applyBatch: typeof operations.applyBatch = async (batch, lowest) => {
    if (isFirst && batch.added && batch.added.length > 0) {
      isFirst = false
      await readAhead.promise
      await writer()(w => w.setFlags(target('INBOX', changed), 'add', ['\\Seen']), signal)
      indexer.notice('INBOX')
    }
    return operations.applyBatch(batch, lowest)
  }
  indexer = newIndexer({ index: { ...operations, applyBatch }, hasTexts: false })
  indexer.start()
  await isComplete()
  expect(await uidsIn('INBOX')).toEqual(uids)
  expect(await flagsOf('INBOX', changed)).toEqual(['\\Seen'])
})

test('mail that comes, changes, moves and goes is found when it is noticed', async () => {
  const first = gateway.deliver({ subject: 'first', messageId: '<1@x>' })
  indexer.start()
  await isComplete()
  const second = gateway.deliver({ subject: 'second', messageId: '<2@x>' })
  indexer.notice('INBOX')
  await holds('INBOX', [first, second])
  await writer()(w => w.setFlags(target('INBOX', first), 'add', ['\\Seen']), new AbortController().signal)
  indexer.notice('INBOX')
  await vi.waitFor(async () => expect(await flagsOf('INBOX', first)).toEqual(['\\Seen']))
  const [before] = (await index().listMessages({ path: 'INBOX', limit: 1 })).messages
  await writer()(w => w.move(target('INBOX', second), 'Archive'), new AbortController().signal)
  indexer.notice('INBOX')
  await holds('INBOX', [first])
  // The server does not notify of that folder, and the next round is far away.
  await holds('Archive', [gateway.getFolder('Archive').messages[0]!.uid])
  const [after] = (await index().listMessages({ path: 'Archive', limit: 1 })).messages
  expect(after!.id).toBe(before!.id)
  expect(facts.filter(({ type }) => type === 'mail_removed')).toEqual([])
  const told = [
    { folder: 'INBOX', messages: [{ uid: first, flags: ['\\Seen'] }] },
    { folder: 'INBOX', messages: [{ id: before!.id, uid: second, flags: null }] },
    { folder: 'Archive', messages: [{ id: before!.id, flags: [] }] },
  ]
  // A fact follows the change of the index.
  await vi.waitFor(() => expect(facts.flatMap(({ data }) => ('messages' in data ? [data] : []))).toMatchObject(told))
})

test('a folder that is made again is read again; its messages keep their ids', async () => {
  gateway.deliver({ subject: 'kept', messageId: '<1@x>', date: '2026-01-02T03:04:05.000Z', sizeBytes: 10 })
  indexer.start()
  await isComplete()
  const [before] = (await index().listMessages({ path: 'INBOX', limit: 1 })).messages
  const inbox = gateway.getFolder('INBOX')
  inbox.uidValidity++
  inbox.messages = []
  inbox.uidNext = 50
  const uid = gateway.deliver({ subject: 'kept', messageId: '<1@x>', date: '2026-01-02T03:04:05.000Z', sizeBytes: 10 })
  indexer.notice('INBOX')
  await holds('INBOX', [uid])
  const [after] = (await index().listMessages({ path: 'INBOX', limit: 1 })).messages
  expect(after!.id).toBe(before!.id)
})

test('what was lost with the index is read again, and nothing is told twice', async () => {
  const uids = [gateway.deliver({ messageId: '<1@x>' }), gateway.deliver({ messageId: '<2@x>' })]
  indexer.start()
  await isComplete()
  await writer()(w => w.setFlags(target('INBOX', uids[0]!), 'add', ['\\Flagged']), new AbortController().signal)
  indexer.notice('INBOX')
  await vi.waitFor(() => expect(facts.filter(({ type }) => type === 'mail_changed')).toHaveLength(1))
  await isComplete()
  await threads.drop('a')
  indexer.renew()
  expect([indexer.isComplete, indexer.lookedAt]).toEqual([false, null])
  await holds('INBOX', uids)
  await isComplete()
  expect(await flagsOf('INBOX', uids[0]!)).toEqual(['\\Flagged'])
  expect(facts.filter(({ type }) => type === 'mail_changed')).toHaveLength(1)
  // Numbers continue above those that were forwarded, so that later changes are published.
  await writer()(w => w.setFlags(target('INBOX', uids[1]!), 'add', ['\\Seen']), new AbortController().signal)
  indexer.notice('INBOX')
  await vi.waitFor(() => expect(facts.filter(({ type }) => type === 'mail_changed')).toHaveLength(2))
})

test('it goes on where it stopped, also after connections broke in the middle', async () => {
  const uids = Array.from({ length: 1_000 }, (_, n) => gateway.deliver({ messageId: `<${n}@x>` }))
  let lists = 0
  gateway.delay = step => {
    if (step === 'listHeaders' && ++lists === 2) gateway.cut()
    if (step === 'listHeaders' && lists === 4) void indexer.stop()
  }
  indexer.start()
  await vi.waitFor(() => expect(lists).toBeGreaterThanOrEqual(4))
  await indexer.stop()
  const held = (await uidsIn('INBOX')).length
  expect(held).toBeGreaterThan(0)
  lists = 10
  indexer = newIndexer()
  indexer.start()
  await isComplete()
  expect(await uidsIn('INBOX')).toEqual(uids)
  // Five batches in all: what was there is not read twice.
  expect(lists - 10).toBe((1_000 - held) / 200)
})

test('at the limit of a day it stops in the middle, requests are served, and on the next days it goes on', async () => {
  const uids = Array.from({ length: 2_000 }, (_, n) => gateway.deliver({ messageId: `<${n}@x>` }))
  const clock = { now: Date.parse('2026-11-28T12:00:00Z') }
  const limit = { provider: 'Small', hosts: /./, receivedPerDay: 1_000, sentPerDay: null, connections: null }
  const usage = new UsageService({
    store: new UsageStore(world.db),
    accounts: { get: () => Promise.reject(new Error('not asked for')) },
    logger,
    limits: () => limit,
    now: () => clock.now,
  })
  // A batch of headers each time: from 800 on it is slowed, and the next one reaches the limit.
  gateway.traffic = step => ({ received: step === 'listHeaders' ? 300 : 0, sent: 0 })
  traffic = usage
  let asked = 0
  indexer = newIndexer({
    hasTexts: false,
    roundMs: 20,
    pace: (step: BackgroundStep) => {
      asked++
      return usage.delayMs('a', 'memory', step)
    },
  })
  indexer.start()
  const isReached = async () => expect(await usage.delayMs('a', 'memory', 'look')).toBeGreaterThan(0)
  await vi.waitFor(isReached)
  const isAskedAgain = async () => {
    const before = asked
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 3))
  }
  await isAskedAgain()
  // Four batches at most: one that was read ahead of a round is read once more.
  const held = await uidsIn('INBOX')
  expect(held.length).toBeGreaterThan(0)
  expect(held.length).toBeLessThanOrEqual(1_600)
  expect(held).toEqual(uids.slice(-held.length))
  await isAskedAgain()
  expect(await uidsIn('INBOX')).toEqual(held)
  expect(indexer.isComplete).toBe(false)
  const reading = await pool.run('a', 'interactive', c => c.listMessages('INBOX', 5, undefined), signal)
  expect(reading.messages).toHaveLength(5)
  await vi.waitFor(() => {
    clock.now += 24 * 60 * 60_000
    expect(indexer.isComplete).toBe(true)
  })
  expect(await uidsIn('INBOX')).toEqual(uids)
})

test('it tells until when a folder is known, finds what moved, and takes in what arrives', async () => {
  gateway.deliver({ subject: 'first', messageId: '<1@x>' })
  const began = Date.now()
  expect(indexer.asOf('INBOX')).toBeUndefined()
  indexer.start()
  await isComplete()
  const asOf = indexer.asOf('INBOX')!
  expect(asOf).toBeGreaterThanOrEqual(began)
  const uid = gateway.deliver({ subject: 'second', messageId: '<2@x>' })
  const { uidValidity } = gateway.getFolder('INBOX')
  const arrived = { uidValidity, from: uid }
  const { headers } = await pool.run(
    'a',
    'watch',
    c => c.changes.listHeaders('INBOX', [uid, uid], 1),
    new AbortController().signal,
  )
  const added = await indexer.arrive('INBOX', { ...arrived, headers })
  expect(added).toMatchObject([{ uid, hasArrived: true, id: expect.any(String) }])
  expect((await index().listMessages({ path: 'INBOX', limit: 1 })).messages).toMatchObject([{ id: added![0]!.id }])
  // The next look finds it there, and fetches no headers.
  let fetched = 0
  gateway.delay = step => void (step === 'listHeaders' && fetched++)
  indexer.notice('INBOX')
  await vi.waitFor(() => expect(indexer.asOf('INBOX')).toBeGreaterThan(asOf))
  expect(fetched).toBe(0)
  await writer()(w => w.move(target('INBOX', uid), 'Archive'), new AbortController().signal)
  await indexer.look(10_000)
  expect(await uidsIn('Archive')).toHaveLength(1)
  // Nothing is published for a folder that is not followed.
  expect(await indexer.arrive('Elsewhere', { ...arrived, headers })).toBeUndefined()
  await indexer.stop()
  expect(indexer.asOf('INBOX')).toBeUndefined()
  // It does not wait for a look that never comes.
  await indexer.look(600_000)
})

test('rounds in which nothing changed leave the index alone, so that its threads end, until something does', async () => {
  gateway.deliver({ subject: 'first', messageId: '<1@x>' })
  const asked: string[] = []
  const heard =
    (name: string, work: (...given: unknown[]) => unknown) =>
    (...given: unknown[]) => {
      asked.push(name)
      return work(...given)
    }
  const operations = Object.entries(threads.of('a')).map(([name, work]) => [name, heard(name, work)])
  indexer = newIndexer({ index: Object.fromEntries(operations), roundMs: 5 })
  let rounds = 0
  gateway.delay = step => void (step === 'listStandings' && rounds++)
  indexer.start()
  await isComplete()
  const after = async (more: number) => {
    const until = rounds + more
    await vi.waitFor(() => expect(rounds).toBeGreaterThan(until), { interval: 5 })
  }
  await after(5)
  asked.splice(0)
  const asOf = indexer.asOf('INBOX')!
  await after(5)
  expect(asked).toEqual([])
  expect(indexer.asOf('INBOX')).toBeGreaterThan(asOf)
  // Found by the folder's counts, without a notification.
  const uid = gateway.deliver({ subject: 'second', messageId: '<2@x>' }, 'Archive')
  await holds('Archive', [uid])
  await writer()(w => w.setFlags(target('Archive', uid), 'add', ['\\Deleted']), signal)
  await writer()(w => w.expunge(target('Archive', uid)), signal)
  await vi.waitFor(() => expect(facts.filter(({ type }) => type === 'mail_removed')).toHaveLength(1))
})

test('what arrives is not held up by what the index tells of it, and that is told all the same', async () => {
  gateway.deliver({ subject: 'first', messageId: '<1@x>' })
  const held = Promise.withResolvers<void>()
  let isHeld = false
  const transact: typeof world.hub.transact = async work => {
    if (isHeld) await held.promise
    return world.hub.transact(work)
  }
  indexer = newIndexer({ hub: { transact } })
  indexer.start()
  await isComplete()
  facts.splice(0)
  isHeld = true
  const uid = gateway.deliver({ subject: 'second', messageId: '<2@x>' })
  const { uidValidity } = gateway.getFolder('INBOX')
  const { headers } = await pool.run('a', 'watch', c => c.changes.listHeaders('INBOX', [uid, uid], 1), signal)
  expect(await indexer.arrive('INBOX', { uidValidity, from: uid, headers })).toMatchObject([{ uid }])
  expect(facts).toEqual([])
  held.resolve()
  await vi.waitFor(() => expect(facts).toMatchObject([{ data: { folder: 'INBOX', event: 'changed', added: 1 } }]))
})
