/** Watching connections, on a mail server in memory: of INBOX and of chosen folders, where there is room for few or none. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { ConnectionPool } from './connection-pool.ts'

const { signal } = new AbortController()
let gateway: MemoryGateway
let pool: ConnectionPool

beforeEach(() => {
  gateway = new MemoryGateway()
  pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 20, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
})
afterEach(async () => {
  await pool.stop()
  gateway.cut()
})

const look = () => pool.run('a', 'interactive', connection => connection.listFolders(), signal)
const isLimit = { extension: { fault: 'limit' } }

test('a watching connection that no longer answers ends the idle ones, and has the server checked', async () => {
  await look()
  await pool.openWatching('a', signal)
  const { probes } = gateway
  const [idle, watching] = [...gateway.connections]
  watching!.end(new Problem('mail_server_timeout', 'No answer.', { fault: 'timeout', part: 'imap' }))
  await expect.poll(() => gateway.connections.size).toBe(0)
  await expect.poll(() => gateway.probes).toBe(probes + 1)
  // One that ends for another reason says nothing of the others.
  await look()
  await pool.openWatching('a', signal)
  const [other, next] = [...gateway.connections]
  next!.end(undefined)
  await nextTurn()
  expect([...gateway.connections]).toEqual([other])
  expect(other).not.toBe(idle)
})

test('a command connection makes room for the watching one', async () => {
  gateway.maxConnections = 1
  await look()
  await expect(pool.openWatching('a', signal)).rejects.toMatchObject(isLimit)
  expect(gateway.connections.size).toBe(0)
  expect(pool.connections('a')).toMatchObject({ server_limit: 1, open: 0 })
  await pool.openWatching('a', signal)
})

test('where a folder finds no room to be watched, that is learned, and none is watched any more', async () => {
  gateway.maxConnections = 2
  await pool.openWatching('a', signal)
  const beside = await pool.openBeside('a', signal)
  await expect(pool.openBeside('a', signal)).rejects.toMatchObject(isLimit)
  expect(pool.connections('a')).toMatchObject({ server_limit: 2 })
  await beside.closed
  const { attempts } = gateway
  await expect(pool.openBeside('a', signal)).rejects.toMatchObject(isLimit)
  expect(gateway.attempts).toBe(attempts)
})

test('all watching connections are checked when their server does not answer', async () => {
  await pool.openWatching('a', signal)
  await pool.openBeside('a', signal)
  const steps: string[] = []
  gateway.delay = step => void steps.push(step)
  gateway.refusal = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused', part: 'imap' })
  await expect(look()).rejects.toMatchObject({ code: 'mail_server_unreachable' })
  expect(steps.filter(step => step === 'check')).toEqual(['check', 'check'])
})

test('changes and watched folders wait for a trial login, like everything else of its account', async () => {
  const trial = Promise.withResolvers<void>()
  const over = pool.leaveTo('a', () => trial.promise)
  const begun = vi.fn()
  gateway.delay = step => step === 'connect' && begun()
  const later = [pool.openBeside('a', signal), pool.runOnce('a', 'interactive', async () => undefined, signal)]
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  expect(begun).not.toHaveBeenCalled()
  trial.resolve()
  await Promise.all([over, ...later])
  expect(begun).toHaveBeenCalled()
})
