/** Traffic is attributed to the account and to its purpose, whichever connection carries it. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { ConnectionPool } from './connection-pool.ts'

const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const

let gateway: MemoryGateway
let pool: ConnectionPool
let told: [account: string, purpose: string, ...numbers: number[]][]
const { signal } = new AbortController()

beforeEach(() => {
  gateway = new MemoryGateway()
  gateway.traffic = step => ({ received: step === 'listFolders' ? 100 : 7, sent: 1 })
  told = []
  pool = new ConnectionPool({
    gateway,
    login: async () => login,
    limits: { connection_timeout_seconds: 5, max_connections: 5, connection_pool_size: 1 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
    traffic: {
      opened: (account, purpose, open) => void told.push([account, `opened for ${purpose}`, open]),
      moved: (account, purpose, received, sent) => void told.push([account, purpose, received, sent]),
    },
  })
})
afterEach(() => pool.stop())

test('what a connection moves is told for the call that has it', async () => {
  await pool.run('a', 'background', connection => connection.listFolders(), signal)
  await pool.run('a', 'interactive', connection => connection.listFolders(), signal)
  await pool.run('a', 'watch', connection => connection.listArrivals('INBOX', 1, 5), signal)
  expect(told).toEqual([
    ['a', 'opened for sync', 1],
    ['a', 'sync', 100, 1],
    ['a', 'interactive', 100, 1],
    ['a', 'watch', 7, 1],
  ])
})

test('the watching connection watches, but for the time that it is lent', async () => {
  gateway.maxConnections = 1
  const watching = await pool.openWatching('a', signal)
  await watching.watch('INBOX', () => undefined)
  pool.watchBegan('a')
  told.splice(0)
  await pool.run('a', 'interactive', connection => connection.listFolders(), signal)
  expect(told.filter(([, purpose]) => purpose === 'interactive')).toEqual([['a', 'interactive', 100, 1]])
  expect(told.filter(([, purpose]) => purpose === 'watch').length).toBeGreaterThan(0)
  await watching.close()
})
