/** The index of an account at a server whose folders have no lasting UIDVALIDITY before they are opened. */
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type CourierLike, startCourierLike } from '../../test/support/courier-like.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { ImapFlowGateway } from '../imap/adapters/imapflow-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { IndexThreads } from '../index/index-threads.ts'
import { createLogger } from '../platform/logger.ts'
import { AccountIndexer } from './account-indexer.ts'

const logger = createLogger('silent')
const ends: (() => unknown)[] = []
let server: CourierLike
let threads: IndexThreads
let indexer: AccountIndexer

beforeEach(async () => {
  server = await startCourierLike()
  const world = await startHub()
  await keepAccount(world.db, 'a')
  const dir = tempDir('undecided')
  const login = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'a', password: 'secret' } as const
  const limits = { connection_timeout_seconds: 5, max_connections: 5, connection_pool_size: 1 }
  const gateway = new ImapFlowGateway({ version: '1.2.3' })
  const health = { setConnections: () => undefined }
  const pool = new ConnectionPool({ gateway, login: async () => login, limits, health, logger })
  threads = new IndexThreads({
    home: { dir: join(dir.path, 'index') },
    damaged: () => indexer.renew(),
    thread: join(import.meta.dirname, '../../test/support/index-thread.ts'),
  })
  indexer = new AccountIndexer({
    ...{ mailbox: 'a', accountId: 'a', index: threads.of('a'), pool, hub: world.hub, db: world.db, logger },
    // What is wrong after a round must not have to wait for the next one.
    roundMs: 3_600_000,
    hasTexts: false,
  })
  ends.push(...[() => indexer.stop(), () => pool.stop(), () => threads.close(), () => server.stop(), dir.remove])
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const folders = async () => {
  const found = await threads.of('a').listFolders()
  return Object.fromEntries(found.map(({ path, total, lowestUid }) => [path, { total, lowestUid }]))
}
const isComplete = () => vi.waitFor(() => expect(indexer.isComplete).toBe(true))
const asked = (command: string) => server.heard.filter(line => line.includes(` ${command} `)).length

test('mail of folders that were never opened is indexed before the index says that it is complete', async () => {
  server.folders.set('INBOX', 3).set('INBOX.Sent', 2).set('INBOX.Drafts', 0)
  indexer.start()
  await isComplete()
  expect(await folders()).toEqual({
    INBOX: { total: 3, lowestUid: 1 },
    'INBOX.Sent': { total: 2, lowestUid: 1 },
    'INBOX.Drafts': { total: 0, lowestUid: 1 },
  })
})

test('a folder that fills up while it is first compared is not taken for an empty one', async () => {
  let isFirst = true
  server.afterStatus = () => {
    if (isFirst) server.folders.set('INBOX', 2)
    isFirst = false
  }
  indexer.start()
  await isComplete()
  expect(await folders()).toEqual({ INBOX: { total: 2, lowestUid: 1 } })
})

test('a server whose UIDVALIDITY is another one at each answer is not asked in a loop', async () => {
  server.folders.set('INBOX', 3).set('INBOX.Drafts', 0)
  server.isNeverDecided = true
  indexer.start()
  await isComplete()
  expect(asked('STATUS')).toBeLessThan(10)
})
