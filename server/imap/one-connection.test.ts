/** Mail servers that leave an account few connections, or one: requests are served, new mail is announced, and logins are not refused again and again. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Dovecot, startDovecot } from '../../test/support/dovecot.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { available } from '../../test/support/require.ts'
import { WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'
import { ImapFlowGateway } from './adapters/imapflow-gateway.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'

const { signal } = new AbortController()
const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }
const backoff = { firstMs: 1, maxMs: 20, random: () => 1 }

describe('in memory', () => {
  let gateway: MemoryGateway
  let mail: WatchedAccounts
  let logins: Map<string, MailLogin>
  beforeEach(async () => {
    logins = new Map([['a', login]])
    gateway = new MemoryGateway()
    gateway.maxConnections = 1
    mail = new WatchedAccounts({ gateway, logins, backoff }, await startHub())
    await mail.watcher.start()
    await vi.waitFor(() => expect(mail.stateOf().state).toBe('ready'))
  })
  afterEach(() => mail.stop())
  const list = (folder = 'INBOX') =>
    mail.pool.run('a', 'interactive', one => one.listMessages(folder, 10, undefined), signal, folder)

  test('requests borrow the watching connection in turn, logins are not tried again and again, and it is said of the account', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, turn) => list(turn % 3 === 0 ? 'Sent' : 'INBOX')))
    // The watching connection, and at most as many as the pool allows, all at once.
    const { attempts } = gateway
    expect(attempts).toBeLessThanOrEqual(1 + 3)
    for (let turn = 0; turn < 40; turn++) await list()
    expect(gateway.attempts).toBe(attempts)
    expect(gateway.peak).toBe(1)
    expect(mail.states).toEqual(['ready'])
    const { connections, note } = mail.stateOf()
    expect(connections).toMatchObject({ watching: 1, open: 1, max: 0, server_limit: 1, waiting: 0 })
    expect(note).toContain('one connection')
  })

  test('the borrowed connection serves one request after the other, however many come while it leaves IDLE', async () => {
    await list()
    let [now, most] = [0, 0]
    gateway.delay = async step => {
      if (step === 'pause') await nextTurn()
      if (step !== 'listMessages') return
      most = Math.max(most, ++now)
      await nextTurn()
      now--
    }
    const lists: Promise<unknown>[] = []
    for (let turn = 0; turn < 5; turn++) {
      lists.push(list(), list('Sent'))
      await Promise.resolve()
    }
    await Promise.all(lists)
    expect(most).toBe(1)
    expect(await list()).toMatchObject({ total: 0 })
  })

  test('a server that ends one too many before a word is full, and not away: of this account and of one that has none', async () => {
    gateway.isSilentWhenFull = true
    await Promise.all(Array.from({ length: 10 }, () => list()))
    expect(mail.stateOf().connections).toMatchObject({ watching: 1, server_limit: 1 })
    logins.set('b', { ...login, user: 'b' })
    const other = mail.pool.run('b', 'interactive', one => one.listFolders(), signal)
    await expect(other).rejects.toMatchObject({ code: 'overloaded', extension: { fault: 'limit' } })
    expect(['a', 'b'].map(id => mail.pool.isUnreachable(id))).toEqual([false, false])
    expect(mail.states).toEqual(['ready'])
    const trial = gateway.connect(login, { timeoutMs: 1_000, signal })
    const error = await trial.catch(thrown => mail.pool.judged(login, thrown))
    expect(error).toMatchObject({ code: 'mail_server_refused', extension: { fault: 'limit', part: 'imap' } })
  })

  test('a proxy that ends new connections before a word is away, and not full, once the open ones are known to be dead', async () => {
    gateway.isSilentWhenFull = true
    gateway.maxConnections = 0
    // It is dead, which only shows when something is asked on it.
    gateway.delay = step => {
      if (step === 'check') gateway.cut()
    }
    logins.set('b', { ...login, user: 'b' })
    const other = mail.pool.run('b', 'interactive', one => one.listFolders(), signal)
    await expect(other).rejects.toBeInstanceOf(Problem)
    await vi.waitFor(() => expect(mail.stateOf().state).toBe('unreachable'))
    expect(mail.pool.isUnreachable('a')).toBe(true)
  })

  test('between requests new mail is announced, also while they never end', async () => {
    await list()
    const first = gateway.deliver()
    await vi.waitFor(() => expect(mail.receivedBy()).toEqual([first]))
    // As over a network: purely in memory, nothing else would get its turn.
    gateway.delay = () => nextTurn()
    const over = new AbortController()
    const load = Array.from({ length: 8 }, async () => {
      while (!over.signal.aborted) await list('Sent')
    })
    const second = gateway.deliver()
    await vi.waitFor(() => expect(mail.receivedBy()).toEqual([first, second]))
    over.abort()
    await Promise.all(load)
  })

  test('a borrowed connection that breaks is replaced, and the request is served', async () => {
    await list()
    let cuts = 1
    gateway.delay = step => {
      if (step === 'listMessages' && cuts-- > 0) gateway.cut()
    }
    expect(await list()).toMatchObject({ total: 0 })
    await vi.waitFor(() => expect(mail.stateOf().state).toBe('ready'))
    expect(await list()).toMatchObject({ total: 0 })
  })

  test('a request that waits too long for the borrowed connection is told when to retry', async () => {
    await list()
    await mail.pool.setLimits({ connection_timeout_seconds: 1, max_connections: 50, connection_pool_size: 3 })
    await list()
    const { promise: held, resolve } = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const hold = async () => {
      begun.resolve()
      await held
    }
    const holder = mail.pool.run('a', 'interactive', hold, signal)
    await begun.promise
    await expect(list()).rejects.toMatchObject({ status: 503, extension: { retryAfterSeconds: 5 } })
    resolve()
    await holder
    expect(await list()).toMatchObject({ total: 0 })
  })

  test('a trial login gets the one connection, and requests that arrive meanwhile are served afterwards', async () => {
    await list()
    const trial = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const over = mail.pool.leaveTo('a', async () => {
      const connection = await gateway.connect(login, { timeoutMs: 1_000, signal })
      begun.resolve()
      await trial.promise
      await connection.close()
      return 'tried'
    })
    await begun.promise
    const [attempts, lists] = [gateway.attempts, [list(), list('Sent')]]
    await nextTurn()
    expect(gateway.attempts).toBe(attempts)
    trial.resolve()
    expect([await over, (await Promise.all(lists)).map(({ total }) => total)]).toEqual(['tried', [0, 0]])
    await vi.waitFor(() => expect(mail.stateOf().state).toBe('ready'))
    await expect(mail.pool.leaveTo('a', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
    const isFull = vi.fn(() => Promise.reject(new Problem('mail_server_refused', 'No more.', { fault: 'limit' })))
    await expect(mail.pool.leaveTo('a', isFull)).rejects.toThrow('No more.')
    expect(isFull).toHaveBeenCalledTimes(3)
    expect(await list()).toMatchObject({ total: 0 })
    expect(gateway.peak).toBe(1)
  })

  test('after a while one more connection is tried, and used when the server allows it by then', async () => {
    await Promise.all([list(), list()])
    gateway.maxConnections = 10
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 61_000)
    await vi.waitFor(async () => {
      await list()
      expect(mail.pool.connections('a')?.open).toBe(2)
    })
    clock.mockRestore()
    expect(mail.stateOf().connections.server_limit).not.toBe(1)
  })
})

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let mail: WatchedAccounts
  afterEach(async () => {
    await mail?.stop()
    await dovecot?.stop()
  })

  test.each([1, 2, 3])('that allows %d connections, requests are served and new mail is announced', async most => {
    dovecot = await startDovecot({ maxConnectionsPerUser: most })
    const { user, password } = dovecot.users[1]!
    const gateway = new ImapFlowGateway()
    const connect = vi.spyOn(gateway, 'connect')
    const place = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none' } as const
    const logins = new Map([['b', { ...place, user, password }]])
    mail = new WatchedAccounts(
      { gateway, logins, backoff: { firstMs: 50, maxMs: 400, random: Math.random } },
      await startHub(),
    )
    await mail.watcher.start()
    await vi.waitFor(() => expect(mail.stateOf('b').state).toBe('ready'))
    const list = (folder: string) =>
      mail.pool.run('b', 'interactive', one => one.listMessages(folder, 10, undefined), signal, folder)
    const limit = () => mail.pool.connections('b')?.server_limit
    const learned = vi.waitFor(() => expect(limit()).toBe(most), { interval: 10 })
    const release = Promise.withResolvers<void>()
    const holders: Promise<void>[] = []
    // Sequentially, each keeping its connection: Dovecot counts simultaneous logins loosely.
    while (limit() !== most) {
      const begun = Promise.withResolvers<void>()
      const hold = async () => {
        begun.resolve()
        await release.promise
      }
      holders.push(mail.pool.run('b', 'interactive', hold, signal))
      await Promise.race([begun.promise, learned])
    }
    release.resolve()
    await Promise.all(holders)
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 8 }, (_, turn) => list(turn % 2 === 0 ? 'INBOX' : 'Sent')))
    }
    // As many as it allows, and the one that it refused.
    expect(connect.mock.calls.length).toBe(most + 1)
    expect(mail.stateOf('b')).toMatchObject({ state: 'ready' })
    expect(mail.stateOf('b').connections.server_limit).toBe(most)
    if (most === 1) expect(mail.stateOf('b').connections).toMatchObject({ watching: 1, open: 1 })
  })
})
