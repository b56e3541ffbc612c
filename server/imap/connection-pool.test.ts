/** The pool on a mail server in memory: order, caps, time limits, and what happens when things break. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AccountConnections } from '../../contract/accounts.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { MailConnection } from './mail-gateway.ts'
import type { Priority } from './waiting-line.ts'

const signal = new AbortController().signal
const limits = { connection_timeout_seconds: 5, max_connections: 20, connection_pool_size: 2 }

let gateway: MemoryGateway
let pool: ConnectionPool
let password: string
let told: Map<string, AccountConnections>

beforeEach(() => {
  gateway = new MemoryGateway()
  password = 'secret'
  told = new Map()
  pool = open(limits)
})
afterEach(async () => {
  vi.useRealTimers()
  gateway.delay = () => undefined
  await pool.stop()
  expect(gateway.connections.size).toBe(0)
})

function open(with_: typeof limits, idleMs = 60_000): ConnectionPool {
  return new ConnectionPool({
    gateway,
    login: async id => {
      if (id.startsWith('no')) throw new Problem('account_not_found', 'There is no such account.')
      return { host: 'memory', port: 143, tls: 'none', user: id, password }
    },
    limits: with_,
    health: { setConnections: (id, connections) => told.set(id, connections) },
    logger: createLogger('silent'),
    idleMs,
  })
}

/** Holds a connection until released. */
function hold(account = 'a', priority: Priority = 'interactive') {
  const { promise, resolve } = Promise.withResolvers<void>()
  let connection: MailConnection | undefined
  const work = async (lent: MailConnection) => {
    connection = lent
    await promise
  }
  const done = pool.run(account, priority, work, signal)
  done.catch(() => undefined)
  const begun = () => vi.waitFor(() => expect(connection).toBeDefined())
  return { done, begun, release: () => resolve(), connection: () => connection }
}

/** Sums the connections of all accounts. */
const all = (of: 'open' | 'idle') => [...pool.byAccount.entries()].reduce((sum, [, one]) => sum + one[of], 0)

const look = (account = 'a') => pool.run(account, 'interactive', connection => connection.listFolders(), signal)

test('one connection is opened when it is needed and used again', async () => {
  await look()
  await look()
  expect(gateway.attempts).toBe(1)
  expect(pool.connections('a')).toMatchObject({ open: 1, idle: 1, busy: 0, waiting: 0, max: 2 })
})

test('an account never has more connections than its pool size, and every request is served', async () => {
  const all = await Promise.all(Array.from({ length: 40 }, () => look()))
  expect(all).toHaveLength(40)
  expect(gateway.peak).toBe(2)
})

test('watching goes before people, people before background work, and each in the order of coming', async () => {
  pool = open({ ...limits, connection_pool_size: 1 })
  const first = hold()
  await first.begun()
  const order: string[] = []
  const join = (name: string, priority: Priority) => pool.run('a', priority, async () => void order.push(name), signal)
  const all = [
    join('background 1', 'background'),
    join('person 1', 'interactive'),
    join('person 2', 'interactive'),
    join('watch', 'watch'),
    join('background 2', 'background'),
  ]
  first.release()
  await Promise.all(all)
  expect(order).toEqual(['watch', 'person 1', 'person 2', 'background 1', 'background 2'])
})

test('an idle connection is closed after its timeout', async () => {
  pool = open(limits, 30)
  await look()
  await vi.waitFor(() => expect(gateway.connections.size).toBe(0))
  expect(told.get('a')).toMatchObject({ open: 0, idle: 0 })
  await look()
  expect(gateway.attempts).toBe(2)
})

test('anyone who waits too long for a free connection is told when to come again', async () => {
  vi.useFakeTimers()
  const holders = [hold(), hold()]
  const late = look().catch(error => error)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await late).toMatchObject({ code: 'overloaded', extension: { retryAfterSeconds: 5 } })
  expect(pool.connections('a')).toMatchObject({ waiting: 0, busy: 2 })
  for (const holder of holders) holder.release()
})

test('a mail server that does not take a connection in time is what is named', async () => {
  vi.useFakeTimers()
  gateway.delay = () => new Promise(() => undefined)
  const late = look().catch(error => error)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await late).toMatchObject({ code: 'mail_server_timeout', status: 504 })
})

test('past 500 waiters the next one is turned away at once', async () => {
  const holders = [hold(), hold()]
  for (const holder of holders) await holder.begun()
  const waiting = Array.from({ length: 500 }, () => look())
  await expect(look()).rejects.toMatchObject({ code: 'overloaded', status: 503 })
  expect(pool.connections('a')?.waiting).toBe(500)
  for (const holder of holders) holder.release()
  await Promise.all(waiting)
})

test('anyone who goes away while waiting leaves the line', async () => {
  const holders = [hold(), hold()]
  for (const holder of holders) await holder.begun()
  const gone = new AbortController()
  const left = pool.run('a', 'interactive', async () => 'never', gone.signal)
  gone.abort()
  await expect(left).rejects.toThrow('disconnected')
  expect(pool.connections('a')?.waiting).toBe(0)
  for (const holder of holders) holder.release()
})

test('all accounts together stay under the cap: an idle connection of another account makes room', async () => {
  pool = open({ ...limits, max_connections: 2 })
  await look('a')
  await look('b')
  await look('c')
  await Promise.all(['a', 'b', 'c', 'd', 'a', 'b'].map(account => look(account)))
  expect(gateway.peak).toBe(2)
  expect([all('open'), pool.max]).toEqual([2, 2])
})

test('a busy account does not starve another one when the cap is reached', async () => {
  pool = open({ ...limits, max_connections: 2 })
  const busy = [hold('a'), hold('a')]
  for (const holder of busy) await holder.begun()
  const order: string[] = []
  const other = look('b').then(() => order.push('b'))
  const later = Array.from({ length: 5 }, () => look('a').then(() => order.push('a')))
  for (const holder of busy) holder.release()
  await Promise.all([other, ...later])
  expect(order.indexOf('b')).toBeLessThan(5)
  expect(gateway.peak).toBe(2)
})

test('watching connections count under the cap and leave one for commands', async () => {
  pool = open({ ...limits, max_connections: 3, connection_timeout_seconds: 1 })
  const watching = [await pool.openWatching('a', signal), await pool.openWatching('b', signal)]
  const refused = pool.openWatching('c', signal).catch(error => error)
  await look('a')
  expect(await refused).toMatchObject({ code: 'overloaded' })
  expect([all('open'), all('idle')]).toEqual([3, 1])
  expect(pool.connections('a')).toMatchObject({ watching: 1, open: 2 })
  await Promise.all(watching.map(connection => connection.close()))
})

test('"too many connections" lowers the pool instead of failing the request', async () => {
  gateway.maxConnections = 1
  const first = hold()
  await first.begun()
  const second = look()
  await vi.waitFor(() => expect(pool.connections('a')?.max).toBe(1))
  first.release()
  await second
  await Promise.all(Array.from({ length: 10 }, () => look()))
  expect(gateway.attempts).toBe(2)
})

test('"too many connections" is said when there is not one to work with, with when to come again, and not asked at each request', async () => {
  gateway.maxConnections = 0
  const clock = vi.spyOn(performance, 'now')
  const busy = { code: 'overloaded', status: 503, extension: { fault: 'limit', server_response: expect.any(String) } }
  for (let turn = 0; turn < 20; turn++) await expect(look()).rejects.toMatchObject(busy)
  expect(gateway.attempts).toBe(1)
  await expect(look()).rejects.toMatchObject({ extension: { retryAfterSeconds: 5 } })
  clock.mockReturnValue(performance.now() + 5_001)
  await expect(look()).rejects.toMatchObject({ extension: { retryAfterSeconds: 10 } })
  expect(gateway.attempts).toBe(2)
  clock.mockReturnValue(performance.now() + 10_001)
  gateway.maxConnections = 1
  await look()
  clock.mockRestore()
})

test('a request waits where the mail server still counts a connection that has just ended', async () => {
  const watching = await pool.openWatching('a', signal)
  gateway.maxConnections = 0
  gateway.delay = () => {
    if (gateway.attempts === 3) gateway.maxConnections = 1
  }
  await watching.close()
  expect(await look()).not.toHaveLength(0)
  expect(gateway.attempts).toBe(3)
})

test('a request waits where the one connection that the mail server allows is being opened to watch', async () => {
  await look('b')
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  gateway.maxConnections = 1
  gateway.delay = step => {
    if (step !== 'connect') return
    if (gateway.attempts === 2) return opened
    if (gateway.attempts === 4) gateway.maxConnections = 3
  }
  const watching = pool.openWatching('a', signal)
  await vi.waitFor(() => expect(gateway.attempts).toBe(2))
  expect(await look()).not.toHaveLength(0)
  expect(gateway.attempts).toBe(4)
  open()
  await (await watching).close()
})

test('a lowered pool grows again after a while', async () => {
  gateway.maxConnections = 1
  await Promise.all([look(), look(), look()])
  expect(pool.connections('a')?.max).toBe(1)
  gateway.maxConnections = 10
  const later = performance.now() + 11 * 60_000
  const clock = vi.spyOn(performance, 'now').mockReturnValue(later)
  await Promise.all([look(), look(), look()])
  clock.mockRestore()
  expect(pool.connections('a')).toMatchObject({ max: 2, open: 2 })
})

test('connections that broke while they rested are replaced without anyone noticing', async () => {
  await Promise.all([look(), look()])
  gateway.cut()
  expect(await look()).not.toHaveLength(0)
})

test('a connection that breaks under a command costs one more try, not two', async () => {
  await look()
  let cuts = 1
  gateway.delay = step => {
    if (step === 'listFolders' && cuts-- > 0) gateway.cut()
  }
  expect(await look()).not.toHaveLength(0)
  cuts = 2
  await expect(look()).rejects.toMatchObject({ extension: { fault: 'closed' } })
})

test('a refused password is tried once, and again only after the account changed', async () => {
  password = 'wrong'
  await expect(look()).rejects.toMatchObject({ code: 'mail_login_refused' })
  await expect(look()).rejects.toMatchObject({ code: 'mail_login_refused' })
  await expect(pool.openWatching('a', signal)).rejects.toMatchObject({ code: 'mail_login_refused' })
  expect(gateway.attempts).toBe(1)
  password = 'secret'
  await pool.drop('a')
  await look()
})

test('after a change of login the old connections finish their work and no new work goes to them', async () => {
  const old = hold()
  await old.begun()
  await look()
  await pool.drop('a')
  expect(gateway.connections.size).toBe(1)
  const fresh = hold()
  await fresh.begun()
  expect(fresh.connection()).not.toBe(old.connection())
  old.release()
  await old.done
  await vi.waitFor(() => expect(gateway.connections.size).toBe(1))
  fresh.release()
})

test('new limits take effect immediately and fail nothing under way', async () => {
  const holders = [hold(), hold()]
  for (const holder of holders) await holder.begun()
  const waiting = look()
  await pool.setLimits({ connection_timeout_seconds: 9, max_connections: 5, connection_pool_size: 3 })
  await waiting
  expect(pool.max).toBe(5)
  await pool.setLimits({ connection_timeout_seconds: 9, max_connections: 2, connection_pool_size: 1 })
  for (const holder of holders) holder.release()
  await Promise.all(holders.map(holder => holder.done))
  await look()
  await vi.waitFor(() => expect(gateway.connections.size).toBe(1))
})

test('an id that somebody made up leaves nothing behind', async () => {
  for (const id of ['no-1', 'no-2']) await expect(look(id)).rejects.toMatchObject({ code: 'account_not_found' })
  expect(pool.connections('no-1')).toBeUndefined()
  expect(told.size).toBe(0)
})

test('a stop turns away who waits and lets what runs finish', async () => {
  const holders = [hold(), hold()]
  for (const holder of holders) await holder.begun()
  const waiting = look().catch(error => error)
  const stopped = pool.stop()
  expect(await waiting).toMatchObject({ code: 'draining' })
  await expect(look()).rejects.toMatchObject({ code: 'draining' })
  for (const holder of holders) holder.release()
  await stopped
  await Promise.all(holders.map(holder => holder.done))
})

test('fewer connections than accounts are watched: some are watched no longer, and mail can be read', async () => {
  pool = open({ ...limits, max_connections: 4 })
  for (const account of ['a', 'b', 'c']) await pool.openWatching(account, signal)
  await pool.setLimits({ ...limits, max_connections: 2 })
  expect(await look('a')).not.toHaveLength(0)
  expect(await look('b')).not.toHaveLength(0)
  const watched = ['a', 'b', 'c'].map(account => pool.connections(account)?.watching ?? 0)
  expect(watched.filter(count => count > 0)).toHaveLength(1)
  expect(gateway.connections.size).toBeLessThanOrEqual(2)
  gateway.cut()
})

test('what was forgotten says nothing more of an account', async () => {
  vi.useFakeTimers()
  pool = open(limits, 4_000)
  const first = hold()
  await first.begun()
  gateway.refusal = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused' })
  const second = look()
  await vi.waitFor(() => expect(gateway.attempts).toBe(2))
  gateway.refusal = undefined
  first.release()
  await second
  // Idle for too long: the pool is empty and forgotten, but would retry five seconds after the failure.
  await vi.advanceTimersByTimeAsync(4_500)
  expect(pool.connections('a')).toBeUndefined()
  await look()
  expect(told.get('a')).toMatchObject({ open: 1 })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told.get('a')).toMatchObject({ open: 1 })
})

test('the rest of what has begun is served while the pool drains, on connections that are there, and no more when it has stopped', async () => {
  const rest = (account = 'a') =>
    pool.run(account, 'interactive', connection => connection.listFolders(), signal, undefined, true)
  const holders = [hold(), hold()]
  for (const holder of holders) await holder.begun()
  const waits = rest()
  pool.drain()
  const attempts = gateway.attempts
  for (const holder of holders) holder.release()
  expect(await waits).not.toHaveLength(0)
  expect(await rest()).not.toHaveLength(0)
  await expect(look()).rejects.toMatchObject({ code: 'draining' })
  await expect(rest('b')).rejects.toMatchObject({ code: 'draining' })
  await pool.stop()
  await expect(rest()).rejects.toMatchObject({ code: 'draining' })
  expect(gateway.attempts).toBe(attempts)
})

test('a drain turns away who waits and who comes, at once, and what runs goes on', async () => {
  const holders = [hold(), hold()]
  for (const holder of holders) await holder.begun()
  gateway.delay = step => (step === 'connect' ? new Promise(() => undefined) : undefined)
  const waitsForTurn = look('a')
  const waitsForServer = look('b')
  pool.drain()
  for (const late of [waitsForTurn, waitsForServer, look('a'), pool.openWatching('a', signal)]) {
    await expect(late).rejects.toMatchObject({ code: 'draining', status: 503 })
  }
  expect(pool.connections('a')).toMatchObject({ busy: 2, waiting: 0 })
  expect(await holders[0]?.connection()?.listFolders()).not.toHaveLength(0)
  for (const holder of holders) holder.release()
  await Promise.all(holders.map(holder => holder.done))
  pool.drain()
})
