/** Counts that arrive after the list, on an in-memory mail server that counts each folder separately. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { partsReader } from '../../test/support/parts-reader.ts'
import type { FolderQuery } from '../mail/folder-lists.ts'
import { MailService } from '../mail/mail-service.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { ConnectionPool } from './connection-pool.ts'
import { FolderCounter } from './folder-counter.ts'
import { MessageRefs } from './message-ref.ts'

const { signal } = new AbortController()
const someone: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
let gateway: MemoryGateway
let pool: ConnectionPool
/** Folders that the server was asked to count. */
let asked: string[]

beforeEach(() => {
  gateway = new MemoryGateway()
  gateway.countsInList = false
  asked = []
  gateway.delay = step => {
    if (step.startsWith('countFolders ')) asked.push(step.slice('countFolders '.length))
  }
  pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
})
afterEach(() => pool.stop())

/** @param countsGraceMs Long for tests that wait for counts, zero for those that read a list without them. */
function mailWith(countsGraceMs: number): MailService {
  return new MailService({
    pool,
    refs: new MessageRefs(new Signer(new SecretBox(Buffer.alloc(32, 7)).derive('refs'))),
    cleaner: { clean: async () => 'busy' },
    parts: partsReader(),
    ownerOf: async () => ({ email: 'ann@own.example', imapHost: 'imap.own.example' }),
    countsGraceMs,
  })
}

const list = (mail: MailService, query: Partial<FolderQuery> = {}) =>
  mail.listFolders(someone, 'a', { counts: true, limit: 10_000, ...query }, signal)

test('a list does not wait for counts, says how many are to come, and has them later', async () => {
  const mail = mailWith(0)
  for (let number = 0; number < 700; number++) gateway.addFolder(`F${number}`)
  gateway.deliver({ flags: ['seen'] })
  gateway.deliver()
  const held = Promise.withResolvers<void>()
  const count = gateway.delay
  gateway.delay = async step => {
    await count(step)
    if (step === 'countFolders F500') await held.promise
  }
  const first = await list(mail)
  expect(first.items).toHaveLength(706)
  expect(first.counts.state).toBe('pending')
  await expect.poll(async () => (await list(mail)).counts.pending).toBe(200)
  const some = await list(mail)
  expect(some.items.find(({ path }) => path === 'INBOX')).toMatchObject({ total: 2, unread: 1 })
  expect(some.items.find(({ path }) => path === 'F600')).toMatchObject({ total: null, unread: null })
  held.resolve()
  await expect.poll(async () => (await list(mail)).counts).toMatchObject({ state: 'complete' })
  expect((await list(mail)).items.every(({ total }) => total !== null)).toBe(true)
})

test('a server that is quick has counted before the list is answered', async () => {
  const page = await list(mailWith(60_000))
  expect(page.counts).toMatchObject({ state: 'complete', pending: 0, as_of: expect.any(String) })
  expect(page.items.map(({ total }) => total)).toEqual([0, 0, 0, 0, 0, 0])
})

test('the only connection is lent to others between two slices of counting', async () => {
  const mail = mailWith(0)
  await pool.setLimits({ connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 1 })
  for (let number = 0; number < 1_000; number++) gateway.addFolder(`F${number}`)
  let reading: Promise<unknown> | undefined
  let before = 0
  const count = gateway.delay
  gateway.delay = step => {
    reading ??= step.startsWith('countFolders')
      ? mail.listMessages(someone, 'a', { folder: 'INBOX', limit: 1 }, signal)
      : undefined
    if (step === 'listMessages') before = asked.length
    return count(step)
  }
  await expect.poll(async () => (await list(mail)).counts.state).toBe('complete')
  await reading
  expect([before, asked.length]).toEqual([200, 1_006])
})

test('fresh counts are not repeated, and only wanted folders are counted', async () => {
  let now = 0
  const counter = new FolderCounter({ pool, now: () => now })
  const folders = await pool.run('a', 'interactive', connection => connection.listFolders(true), signal)
  const count = async () => {
    asked = []
    counter.begin('a', folders, folders)
    await counter.settled('a')
    return asked.toSorted()
  }
  counter.begin('a', folders, folders.slice(1, 2))
  await counter.settled('a')
  expect(asked).toEqual(['Archive'])
  expect(await count()).toEqual(['Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'])
  expect(await count()).toEqual([])
  now += 6_000
  expect(await count()).toEqual(['INBOX'])
  now += 60_000
  expect(await count()).toEqual(['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'])
  const old = now
  now += 60_000
  const { as_of: asOf } = counter.view('a', folders).counts
  expect(Math.round((Date.now() - Date.parse(asOf ?? '')) / 1000)).toBe((now - old) / 1000)
})

test('where counts are not asked for, and of folders that are not meant, the server is not asked', async () => {
  const mail = mailWith(60_000)
  const page = await list(mail, { counts: false })
  expect(page.counts).toEqual({ state: 'not_asked', pending: 0, as_of: null })
  await list(mail, { role: 'sent' })
  expect(asked).toEqual(['Sent'])
})

test('a folder at which the server fails costs itself, and the others are counted after a pause', async () => {
  let now = 0
  const counter = new FolderCounter({ pool, now: () => now })
  const folders = await pool.run('a', 'interactive', connection => connection.listFolders(true), signal)
  let steps = 0
  gateway.delay = step => {
    if (step.startsWith('countFolders ')) steps++
    if (step === 'countFolders Drafts') throw new Problem('mail_server_refused', 'Not this one.')
  }
  const count = async () => {
    counter.begin('a', folders, folders)
    await counter.settled('a')
    return counter.view('a', folders).counts
  }
  expect((await count()).state).toBe('incomplete')
  const [{ attempts }, before] = [gateway, steps]
  expect((await count()).state).toBe('incomplete')
  expect([gateway.attempts, steps]).toEqual([attempts, before])
  now += 11_000
  await count()
  const known = counter.view('a', folders).folders.map(({ path, total }) => [path, total])
  expect(Object.fromEntries(known)).toEqual({ INBOX: 0, Archive: 0, Drafts: null, Junk: 0, Sent: 0, Trash: 0 })
})

test('a count goes with its folder: another one of that name is counted again', async () => {
  const counter = new FolderCounter({ pool, now: () => 0 })
  const list = () => pool.run('a', 'interactive', connection => connection.listFolders(true), signal)
  const totalOf = async (path: string) => {
    const folders = await list()
    counter.begin('a', folders, folders)
    await counter.settled('a')
    return counter.view('a', folders).folders.find(folder => folder.path === path)?.total
  }
  gateway.addFolder('Plans')
  gateway.deliver({}, 'Plans')
  expect(await totalOf('Plans')).toBe(1)
  gateway.folders.delete('Plans')
  gateway.addFolder('Others')
  expect(await totalOf('Others')).toBe(0)
  gateway.addFolder('Plans')
  expect(await totalOf('Plans')).toBe(0)
})

test('a bug while counting is thrown to the next caller, once', async () => {
  const counter = new FolderCounter({ pool, now: () => 0 })
  const folders = await pool.run('a', 'interactive', connection => connection.listFolders(true), signal)
  gateway.delay = () => {
    throw new TypeError('a bug')
  }
  const begin = () => counter.begin('a', folders, folders)
  begin()
  await counter.settled('a')
  expect(begin).toThrow('a bug')
  expect(begin).not.toThrow()
})

test('a server that counts nothing and reports no error is not asked without end', async () => {
  const run = vi.fn(async () => undefined)
  const counter = new FolderCounter({ pool: { run: run as unknown as ConnectionPool['run'] }, now: () => 0 })
  const folders = await pool.run('a', 'interactive', connection => connection.listFolders(true), signal)
  counter.begin('a', folders, folders)
  await counter.settled('a')
  expect(run).toHaveBeenCalledTimes(1)
  expect(() => counter.begin('a', folders, folders)).toThrow('no folder was counted')
})

test('above 100,000 counts those of the account that was read longest ago are dropped, except while it is counted', async () => {
  const held = Promise.withResolvers<void>()
  const counting = {
    countFolders: async (paths: readonly string[], _ms: number, onCount: (path: string, count: object) => void) => {
      if (paths[0] === 'slow') await held.promise
      for (const path of paths) onCount(path, { total: 1, unread: 0 })
    },
  }
  const run = (async (_id: string, _priority: string, work: (connection: object) => unknown) =>
    work(counting)) as unknown as ConnectionPool['run']
  const counter = new FolderCounter({ pool: { run }, now: () => 0 })
  const [folder] = await pool.run('a', 'interactive', connection => connection.listFolders(true), signal)
  const named = (paths: string[]) => paths.map(path => ({ ...folder!, path }))
  const many = (count: number) => named(Array.from({ length: count }, (_, number) => `f${number}`))
  const isKnown = (id: string, folders: ReturnType<typeof named>) =>
    counter.view(id, folders).counts.state === 'complete'
  counter.begin('slow', named(['slow']), named(['slow']))
  for (const id of ['a', 'b']) {
    counter.begin(id, many(50_000), many(50_000))
    await counter.settled(id)
  }
  expect([isKnown('a', many(50_000)), isKnown('b', many(50_000))]).toEqual([true, true])
  counter.begin('c', many(1), many(1))
  await counter.settled('c')
  expect(['a', 'b', 'c'].map(id => isKnown(id, many(1)))).toEqual([false, true, true])
  held.resolve()
  await counter.settled('slow')
  expect(isKnown('slow', named(['slow']))).toBe(true)
})

test('folders come page by page, in one order, with what was asked for', async () => {
  const mail = mailWith(60_000)
  for (const path of ['Work', 'Work/Plans', 'Work/PLANS old', 'Home']) gateway.addFolder(path)
  const paths: string[] = []
  let cursor: string | undefined
  do {
    const page = await list(mail, { limit: 3, cursor })
    paths.push(...page.items.map(({ path }) => path))
    cursor = page.next_cursor ?? undefined
    // Changes in between do not affect the counts to come.
    if (paths.length === 3) gateway.addFolder('Zoo')
  } while (cursor)
  expect(paths).toEqual([...gateway.folders.keys()])
  expect((await list(mail, { name: 'plans' })).items.map(({ path }) => path)).toEqual(['Work/Plans', 'Work/PLANS old'])
  expect((await list(mail, { role: 'trash' })).items.map(({ path }) => path)).toEqual(['Trash'])
  const first = await list(mail, { name: 'plans', limit: 1 })
  const rest = await list(mail, { name: 'plans', limit: 1, cursor: first.next_cursor ?? '' })
  expect([rest.items.map(({ path }) => path), rest.next_cursor]).toEqual([['Work/PLANS old'], null])
  gateway.folders.delete('Work/Plans')
  await expect(list(mail, { cursor: first.next_cursor ?? '' })).rejects.toMatchObject({ code: 'stale_cursor' })
  await expect(list(mail, { cursor: 'made-up' })).rejects.toMatchObject({ code: 'bad_request' })
})

test('a folder whose messages cannot be named is left out and counted', async () => {
  gateway.addFolder('ö'.repeat(400))
  const { items, omitted } = await list(mailWith(0))
  expect([items.length, omitted]).toEqual([6, 1])
})
