/** An indexer that stops while it writes to the index: what it no longer claims to know, shows or writes. */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import { IndexThreads } from '../index/index-threads.ts'
import { createLogger } from '../platform/logger.ts'
import { AccountIndexer } from './account-indexer.ts'

const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
const logger = createLogger('silent')

/** An account with one message; `gate` is awaited by each batch, and `shown` counts the expected changes written. */
async function setUp() {
  const gateway = new MemoryGateway()
  gateway.deliver({ subject: 'first', messageId: '<1@x>' })
  const world = await startHub()
  await keepAccount(world.db, 'a')
  const dir = tempDir('indexer-stops')
  const limits = { connection_timeout_seconds: 5, max_connections: 5, connection_pool_size: 2 }
  const health = { setConnections: () => undefined }
  const pool = new ConnectionPool({ gateway, login: async () => login, limits, health, logger })
  const threads = new IndexThreads({
    home: { dir: join(dir.path, 'index') },
    damaged: () => undefined,
    thread: join(import.meta.dirname, '../../test/support/index-thread.ts'),
  })
  const state = { gate: Promise.resolve() as Promise<void>, batches: 0, shown: 0 }
  const real = threads.of('a')
  const index: IndexOperations = {
    ...real,
    applyBatch: async (...given) => {
      state.batches++
      await state.gate
      return real.applyBatch(...given)
    },
    applyExpected: (...given) => {
      state.shown++
      return real.applyExpected(...given)
    },
  }
  const { db, hub } = world
  const indexer = new AccountIndexer({ mailbox: 'ann@mail.example:993', accountId: 'a', index, pool, hub, db, logger })
  onTestFinished(async () => {
    await indexer.stop()
    await pool.stop()
    await threads.close()
    dir.remove()
  })
  return { gateway, indexer, state }
}

test('a folder that is written while the indexer stops is not known afterwards', async () => {
  const { indexer, state } = await setUp()
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  indexer.start()
  await vi.waitFor(() => expect(state.batches).toBe(1))
  const stopped = indexer.stop()
  gate.resolve()
  await stopped
  expect(indexer.asOf('INBOX')).toBeUndefined()
})

test('a folder is not known any more as soon as the indexer begins to stop', async () => {
  const { indexer } = await setUp()
  indexer.start()
  await vi.waitFor(() => expect(indexer.isComplete).toBe(true))
  expect(indexer.asOf('INBOX')).toBeDefined()
  const stopped = indexer.stop()
  expect(indexer.asOf('INBOX')).toBeUndefined()
  await stopped
})

test('a stopped indexer writes no expected change', async () => {
  const { indexer, gateway, state } = await setUp()
  const { uidValidity } = gateway.getFolder('INBOX')
  const batch = { path: 'INBOX', uidValidity, leaving: [], flags: [{ uids: [1], add: ['\\Seen'], remove: [] }] }
  indexer.start()
  await vi.waitFor(() => expect(indexer.isComplete).toBe(true))
  indexer.show([batch])
  await vi.waitFor(() => expect(state.shown).toBe(1))
  await indexer.stop()
  indexer.show([batch])
  for (let count = 0; count < 10; count++) await turn()
  expect(state.shown).toBe(1)
})
