/** Watches of chosen folders: changes there are noticed immediately, and watches yield when connections are scarce. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { createLogger } from '../platform/logger.ts'
import { FolderWatcher } from './folder-watcher.ts'

const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
const logger = createLogger('silent')
const soon = { firstMs: 1, maxMs: 20, random: () => 1 }
const { signal } = new AbortController()

let gateway: MemoryGateway
let pool: ConnectionPool
let noticed: string[]
let watchers: FolderWatcher[]

beforeEach(() => {
  gateway = new MemoryGateway()
  noticed = []
  watchers = []
  const limits = { connection_timeout_seconds: 5, max_connections: 3, connection_pool_size: 2 }
  const health = { setConnections: () => undefined }
  pool = new ConnectionPool({ gateway, login: async () => login, limits, health, logger })
})
afterEach(async () => {
  await Promise.all(watchers.map(watcher => watcher.stop()))
  await pool.stop()
})

function watch(path: string, options: { againMs?: number } = {}): FolderWatcher {
  const onChange = (folder: string) => void noticed.push(folder)
  const watcher = new FolderWatcher({ accountId: 'a', path, pool, logger, backoff: soon, onChange, ...options })
  watchers.push(watcher)
  watcher.start()
  return watcher
}
const becomes = (folders: string[]) => vi.waitFor(() => expect(noticed).toEqual(folders))
const isOpen = (count: number) => vi.waitFor(() => expect(gateway.connections.size).toBe(count))

test('it is noticed what comes, also after the connection broke, until it is stopped', async () => {
  const watcher = watch('Archive')
  await becomes(['Archive'])
  gateway.deliver({}, 'Archive')
  await becomes(['Archive', 'Archive'])
  gateway.deliver({}, 'INBOX')
  gateway.cut()
  // Changes in between may have been missed.
  await becomes(['Archive', 'Archive', 'Archive'])
  await watcher.stop()
  expect(gateway.connections.size).toBe(0)
})

test('a folder that is not there is asked for again later', async () => {
  watch('Later', { againMs: 5 })
  await vi.waitFor(() => expect(gateway.attempts).toBeGreaterThan(2))
  expect(noticed).toEqual([])
  gateway.addFolder('Later')
  await becomes(['Later'])
})

test('where the mail server allows few connections, requests get them', async () => {
  gateway.maxConnections = 2
  const inbox = await pool.openWatching('a', signal)
  await inbox.watch('INBOX', () => undefined)
  pool.watchBegan('a')
  watch('Archive')
  await becomes(['Archive'])
  const found = await pool
    .run('a', 'interactive', connection => connection.listMessages('INBOX', 5, undefined), signal)
    .catch(
      // The first may find that there is no room; the place is free for the next.
      () => pool.run('a', 'interactive', connection => connection.listMessages('INBOX', 5, undefined), signal),
    )
  expect(found.total).toBe(0)
  await isOpen(2)
  expect(pool.connections('a')).toMatchObject({ watching: 1, open: 2, server_limit: 2 })
  await inbox.close()
})

test('where this server has no connection left, that of another account takes the place', async () => {
  watch('Archive')
  watch('Sent')
  watch('Junk')
  await vi.waitFor(() => expect(noticed.toSorted()).toEqual(['Archive', 'Junk', 'Sent']))
  const other = await pool.run('b', 'interactive', connection => connection.listFolders(), signal)
  expect(other.length).toBeGreaterThan(0)
})

test('a stop while the folder is being opened ends the connection', async () => {
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gateway.delay = step => {
    if (step !== 'watch') return undefined
    asked.resolve()
    return held.promise
  }
  const watcher = watch('Archive')
  await asked.promise
  const stopped = watcher.stop()
  held.resolve()
  await stopped
  expect(gateway.connections.size).toBe(0)
})
