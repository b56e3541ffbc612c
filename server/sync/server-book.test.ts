/** What is learned of mail servers is known after a restart, and forgotten with the server that it was learned of. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { ServerBook } from './server-book.ts'
import { ServerStore } from './server-store.ts'

const logger = createLogger('silent')
const { signal } = new AbortController()
const limits = { connection_timeout_seconds: 5, max_connections: 20, connection_pool_size: 5 }
const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const

async function startBook(db: Database) {
  const { hub } = await startHub(db)
  const levels: unknown[] = []
  const book = new ServerBook({ store: new ServerStore(db), hub, logger, onLevel: (...told) => levels.push(told) })
  await book.start()
  const tell = (type: 'account_updated' | 'account_removed', changed: string[] = []) => {
    const data = { account_id: 'a', name: 'a', email: 'a@x', is_sandbox: false, at: new Date().toISOString() }
    if (type === 'account_updated') hub.publish({ type, data: { ...data, changed } })
    else hub.publish({ type, data })
  }
  return { book, hub, tell, levels }
}

onEachDatabase(open => {
  test('the limit of connections is not learned again by being refused after a restart', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const gateway = new MemoryGateway()
    gateway.maxConnections = 2
    const poolWith = (memory: ServerBook) =>
      new ConnectionPool({
        gateway,
        login: async () => login,
        limits,
        health: { setConnections: () => undefined },
        logger,
        memory,
      })
    const many = (pool: ConnectionPool) =>
      Promise.all(Array.from({ length: 12 }, () => pool.run('a', 'interactive', one => one.listFolders(), signal)))
    // Listing takes a turn of the loop, so that several connections are needed at once.
    gateway.delay = step => (step === 'listFolders' ? new Promise(resolve => setImmediate(resolve)) : undefined)
    const first = await startBook(db)
    const pool = poolWith(first.book)
    await many(pool)
    expect(gateway.attempts).toBeGreaterThan(2)
    expect(pool.connections('a')?.server_limit).toBe(2)
    await pool.stop()
    await first.book.stop()
    gateway.attempts = 0
    const second = await startBook(db)
    expect(second.book.limitOf('a')).toMatchObject({ connections: 2 })
    const again = poolWith(second.book)
    await many(again)
    expect(gateway.attempts).toBe(2)
    expect(again.connections('a')).toMatchObject({ server_limit: 2, max: 2 })
    // Another login may have higher limits.
    await again.drop('a')
    expect(second.book.limitOf('a')).toBeUndefined()
    await again.stop()
    await second.book.stop()
  })

  test('offers of both servers are kept, and forgotten when the account is given other ones', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const first = await startBook(db)
    first.book.connected('a', ['IDLE', 'QUOTA'])
    first.book.greeted({ login: 'ann@smtp.x:587' }, ['SIZE 1000'])
    first.book.adopt('a', 'bob@smtp.x:587')
    expect(first.book.find('a')?.smtp_offers).toBeNull()
    first.book.adopt('a', 'ann@smtp.x:587')
    const quota = {
      quota: '{"bytes":{"used":9,"limit":10}}',
      quota_at: '2026-11-28T12:00:00.000Z',
      quota_level: 'nearly_full',
    } as const
    await db.transaction().execute(transaction => first.book.saveQuota(transaction, 'a', quota))
    first.book.noteQuota('a', quota)
    // Belongs to a deleted account.
    first.book.connected('gone', ['IDLE'])
    await first.book.stop()
    const second = await startBook(db)
    expect(second.levels).toEqual([['a', 'nearly_full']])
    expect(second.book.find('a')).toMatchObject({
      imap_offers: '["IDLE","QUOTA"]',
      smtp_offers: '["SIZE 1000"]',
      ...quota,
    })
    expect(second.book.find('gone')).toBeUndefined()
    second.tell('account_updated', ['smtp.host'])
    await expect.poll(() => second.book.find('a')?.smtp_offers).toBeNull()
    expect(second.book.find('a')?.imap_offers).not.toBeNull()
    second.tell('account_updated', ['imap.user'])
    await expect.poll(() => second.book.find('a')?.imap_offers).toBeNull()
    expect(second.book.find('a')).toMatchObject({ quota: null, quota_level: 'ok' })
    expect(second.levels.at(-1)).toEqual(['a', null])
    second.tell('account_removed')
    await expect.poll(() => second.book.find('a')).toBeUndefined()
    await second.book.stop()
  })
})

test('of 101 logins without an account, the first is forgotten, and one that greets again is the last', async () => {
  const { hub } = await startHub()
  const book = new ServerBook({ store: { list: async () => [], save: async () => true }, hub, logger })
  const greet = (login: string) => book.greeted({ login }, ['SIZE 1'])
  for (let number = 0; number < 100; number++) greet(`${number}`)
  greet('0')
  greet('100')
  for (const login of ['0', '1', '2', '100']) book.adopt(login, login)
  expect(book.accountIds).toEqual(['0', '2', '100'])
})

test('what could not be stored is stored later', async () => {
  const { hub } = await startHub()
  const saved: string[] = []
  let isFull = true
  const save = async ({ account_id }: { account_id: string }) => {
    if (isFull) throw new Error('the disk is full')
    return saved.push(account_id) > 0
  }
  const book = new ServerBook({ store: { list: async () => [], save }, hub, logger })
  for (const id of ['a', 'b']) book.connected(id, ['IDLE'])
  await book.store()
  isFull = false
  await book.store()
  await book.store()
  expect(saved.toSorted()).toEqual(['a', 'b'])
})
