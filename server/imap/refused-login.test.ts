/** A login that worked until now is refused: by a mail server that goes down, or since its password was changed. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { ConnectionPool } from './connection-pool.ts'
import { noMemory, type ServerMemory } from './server-memory.ts'

const signal = new AbortController().signal

let gateway: MemoryGateway
let pool: ConnectionPool
let password: string
let refused: string[]

beforeEach(() => {
  gateway = new MemoryGateway()
  password = 'secret'
})
afterEach(async () => {
  await pool.stop()
  expect(gateway.connections.size).toBe(0)
})

function start(memory: ServerMemory, doubtMs = 5): void {
  pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password }),
    limits: { connection_timeout_seconds: 60, max_connections: 20, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
    memory,
    doubtMs,
  })
  refused = []
  pool.onRefused(id => refused.push(id))
}

const look = () => pool.run('a', 'interactive', connection => connection.listFolders(), signal)

/** Refuses once, like a Dovecot whose auth process ends before the login process that asks it. */
function refuseOnce(): void {
  const { attempts, password: right } = gateway
  gateway.password = 'not known for a moment'
  gateway.delay = step => {
    if (step === 'connect' && gateway.attempts > attempts + 1) gateway.password = right
  }
}

async function untilRefused(attempts: number): Promise<void> {
  await vi.waitFor(() => expect(gateway.attempts).toBe(attempts))
  await new Promise(setImmediate)
}

test.each([
  ['worked until now', noMemory],
  ['worked before a restart', { ...noMemory, hasAccepted: () => true }],
])('a login that %s and is refused once, by a server that goes down, is tried again', async (when, memory) => {
  start(memory)
  if (when === 'worked until now') {
    const watching = await pool.openWatching('a', signal)
    gateway.cut()
    await watching.closed
  }
  const { attempts } = gateway
  refuseOnce()
  const watching = await pool.openWatching('a', signal)
  expect(gateway.attempts).toBe(attempts + 2)
  refuseOnce()
  expect(await look()).not.toHaveLength(0)
  expect(gateway.attempts).toBe(attempts + 4)
  expect(refused).toEqual([])
  await watching.close()
})

test('one that worked until now and is refused twice is not tried a third time', async () => {
  start(noMemory)
  await pool.openWatching('a', signal)
  gateway.password = 'changed'
  gateway.cut()
  for (let count = 0; count < 2; count++) {
    await expect(look()).rejects.toMatchObject({ code: 'mail_login_refused' })
  }
  expect(gateway.attempts).toBe(3)
  expect(refused).toEqual(['a'])
  // This password was never accepted.
  password = 'other'
  await pool.drop('a')
  await expect(look()).rejects.toMatchObject({ code: 'mail_login_refused' })
  expect(gateway.attempts).toBe(4)
})

test('of all who log in to an account one finds out whether a refusal is to be believed: no other login of it is tried meanwhile, or behind that', async () => {
  start(noMemory, 200)
  const standing = await pool.openWatching('a', signal)
  gateway.password = 'changed'
  gateway.cut()
  await standing.closed
  const failed = (opening: Promise<unknown>) => expect(opening).rejects.toMatchObject({ code: 'mail_login_refused' })
  const watching = failed(pool.openWatching('a', signal))
  await untilRefused(2)
  await Promise.all([watching, failed(look()), failed(look()), failed(pool.openBeside('a', signal))])
  expect(gateway.attempts).toBe(3)
  expect(new Set(refused)).toEqual(new Set(['a']))
})

test('where the one that finds out leaves, the next one does in its place, and is not refused for it', async () => {
  start({ ...noMemory, hasAccepted: () => true })
  const held = Promise.withResolvers<void>()
  gateway.delay = step => (step === 'connect' && gateway.attempts === 2 ? held.promise : undefined)
  password = 'wrong'
  const left = new AbortController()
  const watching = pool.openWatching('a', left.signal).catch(error => error)
  await vi.waitFor(() => expect(gateway.attempts).toBe(2))
  const [beside, read] = [pool.openBeside('a', signal), look()]
  password = 'secret'
  left.abort(new Error('not watched any more'))
  held.resolve()
  expect(await watching).toBe(left.signal.reason)
  expect(await read).not.toHaveLength(0)
  await (await beside).close()
  expect([gateway.attempts, refused]).toEqual([4, []])
})

test('a login that is another one now does not wait for what becomes of the one before, and is believed at once', async () => {
  start({ ...noMemory, hasAccepted: () => true }, 600_000)
  password = 'wrong'
  const watching = pool.openWatching('a', signal)
  await untilRefused(1)
  const read = look()
  password = 'secret'
  await pool.drop('a')
  await (await watching).close()
  expect(await read).not.toHaveLength(0)
})

test('the wait before a refused login is tried again ends with its caller, and with a stop', async () => {
  start({ ...noMemory, hasAccepted: () => true }, 600_000)
  password = 'wrong'
  const left = new AbortController()
  const watching = pool.openWatching('a', left.signal).catch(error => error)
  const read = look().catch(error => error)
  await vi.waitFor(() => expect(gateway.attempts).toBeGreaterThan(0))
  const reason = new Error('not watched any more')
  left.abort(reason)
  expect(await watching).toBe(reason)
  await pool.stop()
  expect(await read).toMatchObject({ code: 'draining' })
})
