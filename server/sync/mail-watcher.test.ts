/** Watching on a mail server in memory: what is announced, and what is said of an account in trouble. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { backoffDelay, defaultBackoff } from '../imap/backoff.ts'
import { Problem } from '../platform/problem.ts'

const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }
const soon = { firstMs: 1, maxMs: 20, random: () => 1 }

let gateway: MemoryGateway
let logins: Map<string, MailLogin>
let mail: WatchedAccounts

beforeEach(async () => {
  gateway = new MemoryGateway()
  logins = new Map([['a', login]])
  mail = new WatchedAccounts({ gateway, logins, backoff: soon }, await startHub())
})
afterEach(async () => {
  gateway.delay = () => undefined
  await mail.stop()
  expect(gateway.connections.size).toBe(0)
})

const isState = (state: string, id = 'a') => vi.waitFor(() => expect(mail.stateOf(id).state).toBe(state))
/** A state is published a moment after it can be read. */
const hasTold = (states: string[]) => vi.waitFor(() => expect(mail.states).toEqual(states))
const hasReceived = (uids: number[], id = 'a') => vi.waitFor(() => expect(mail.receivedBy(id)).toEqual(uids))

async function start(): Promise<void> {
  await mail.watcher.start()
  await isState('ready')
}

test('mail that was there before is not announced, mail that comes is: once and in order', async () => {
  gateway.deliver()
  await start()
  const uids = [gateway.deliver(), gateway.deliver(), gateway.deliver()]
  await hasReceived(uids)
  expect(mail.stateOf().last_mail_at).not.toBeNull()
  expect(mail.pool.connections('a')).toMatchObject({ watching: 1, open: 2 })
})

test('the first mails into a new mailbox are announced, though it gets its UIDVALIDITY with the first of them', async () => {
  gateway.getFolder('INBOX').uidValidity = 0
  const validities = new Set<number>()
  mail.hub.listen('mail_received', ({ uid_validity }) => validities.add(uid_validity))
  await start()
  gateway.getFolder('INBOX').uidValidity = 4711
  const uids = [gateway.deliver(), gateway.deliver()]
  await hasReceived(uids)
  await hasReceived([...uids, gateway.deliver()])
  expect(validities).toEqual(new Set([4711]))
})

test('the first mails are announced too when they came while the connection was lost', async () => {
  await start()
  gateway.refusal = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused' })
  gateway.cut()
  await isState('unreachable')
  gateway.getFolder('INBOX').uidValidity++
  const missed = [gateway.deliver(), gateway.deliver()]
  gateway.refusal = undefined
  await hasReceived(missed)
})

test('what a folder holds that was made again is not new, and what comes later is', async () => {
  await start()
  const first = gateway.deliver()
  await hasReceived([first])
  gateway.getFolder('INBOX').uidValidity++
  const old = [gateway.deliver(), gateway.deliver()]
  await vi.waitFor(() => {
    gateway.deliver()
    expect(mail.receivedBy()).not.toHaveLength(1)
  })
  expect(mail.receivedBy().filter(uid => old.includes(uid))).toEqual([])
})

test('mail is announced with its sender, its subject and a reference that names it', async () => {
  await start()
  const from = { name: 'Bob', email: 'bob@test.local' }
  const uid = gateway.deliver({ subject: 'Tea on Friday', from: [from] })
  await hasReceived([uid])
  const { data } = mail.arrivals[0]!
  expect(data).toMatchObject({ account_id: 'a', folder: 'INBOX', uid, from, subject: 'Tea on Friday' })
  expect(mail.refs.decode('a', data.ref!)).toEqual({ folder: 'INBOX', uidValidity: data.uid_validity, uid })
})

test('mail of which the server does not say who wrote it is announced all the same', async () => {
  await start()
  gateway.delay = step => {
    if (step === 'listHeads') throw new Problem('mail_server_refused', 'Not now.')
  }
  const uid = gateway.deliver({ subject: 'Tea' })
  await hasReceived([uid])
  expect(mail.arrivals[0]!.data).toMatchObject({ uid, from: null, subject: null })
  expect(mail.states).toEqual(['ready'])
})

test('of a flood the newest hundred of each look are announced with their words', async () => {
  await start()
  const uids = Array.from({ length: 300 }, (_, index) => gateway.deliver({ subject: `${index}` }))
  await hasReceived(uids)
  expect(mail.arrivals.at(-1)!.data.subject).toBe('299')
  const withWords = mail.arrivals.filter(({ data }) => data.subject !== null).length
  expect(withWords).toBeGreaterThanOrEqual(100)
  expect(withWords).toBeLessThan(300)
})

test('a flood of mail is announced in batches, and nothing of it twice', async () => {
  await start()
  const uids = Array.from({ length: 1234 }, () => gateway.deliver())
  await hasReceived(uids)
})

test('mail that came while the connection was lost is announced when it is back', async () => {
  await start()
  const first = gateway.deliver()
  await hasReceived([first])
  gateway.refusal = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused' })
  gateway.cut()
  await isState('unreachable')
  const missed = [gateway.deliver(), gateway.deliver()]
  gateway.refusal = undefined
  await hasReceived([first, ...missed])
  await hasTold(['ready', 'connecting', 'unreachable', 'ready'])
})

test('an account that cannot be connected says why and when it is tried again', async () => {
  gateway.refusal = new Problem('mail_server_tls', 'No secure connection.', {
    fault: 'tls',
    server_response: '* BYE',
  })
  mail = new WatchedAccounts(
    { gateway, logins, backoff: { ...soon, firstMs: 60_000, maxMs: 60_000 } },
    await startHub(),
  )
  await mail.watcher.start()
  await isState('unreachable')
  const { last_error, next_retry_at } = mail.stateOf()
  expect(last_error).toMatchObject({ cause: 'tls', detail: 'No secure connection.', server_response: '* BYE' })
  expect(Date.parse(next_retry_at ?? '') - Date.now()).toBeGreaterThan(50_000)
})

test('the waits between tries double up to a minute, each with jitter down to nothing', () => {
  const waits = [0, 1, 2, 5, 6, 7, 500].map(failures => backoffDelay(failures, { ...defaultBackoff, random: () => 1 }))
  expect(waits).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000])
  expect(backoffDelay(3, { ...defaultBackoff, random: () => 0.25 })).toBe(2_000)
})

test('a wrong password is tried once and no more, until someone asks for another try', async () => {
  logins.set('a', { ...login, password: 'wrong' })
  await mail.watcher.start()
  await isState('auth_failed')
  expect(mail.stateOf()).toMatchObject({ last_error: { cause: 'login' }, next_retry_at: null })
  await expect(mail.pool.run('a', 'interactive', async () => 0, new AbortController().signal)).rejects.toThrow()
  expect(gateway.attempts).toBe(1)
  logins.set('a', login)
  mail.reconnect()
  await isState('ready')
  expect(mail.stateOf().last_error).toBeNull()
})

test('a password that stops working while we watch ends in auth_failed, not in endless tries', async () => {
  await start()
  gateway.password = 'changed'
  gateway.deliver()
  await isState('auth_failed')
  const { attempts } = gateway
  gateway.deliver()
  expect(gateway.connections.size).toBe(0)
  expect(gateway.attempts).toBe(attempts)
})

test('a mail server that is stopped refuses a right password: the account comes back with the server', async () => {
  await start()
  gateway.password = 'not known for a moment'
  gateway.delay = step => {
    if (step !== 'connect') return
    gateway.delay = () => {
      gateway.password = 'secret'
    }
  }
  const { attempts } = gateway
  gateway.cut()
  const uid = gateway.deliver()
  await hasReceived([uid])
  await isState('ready')
  expect(gateway.attempts).toBeGreaterThanOrEqual(attempts + 2)
  expect(mail.states).not.toContain('auth_failed')
})

test('a password that a request finds refused is said of the account at once', async () => {
  await start()
  gateway.password = 'changed'
  const read = mail.pool.run('a', 'interactive', one => one.listFolders(), new AbortController().signal)
  await expect(read).rejects.toMatchObject({ code: 'mail_login_refused' })
  await isState('auth_failed')
  await vi.waitFor(() => expect(gateway.connections.size).toBe(0))
})

test('a new password is taken at once, and mail of the time between is announced', async () => {
  await start()
  gateway.password = 'changed'
  gateway.refusal = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused' })
  gateway.cut()
  const missed = gateway.deliver()
  gateway.refusal = undefined
  logins.set('a', { ...login, password: 'changed' })
  mail.announce('account_updated', 'a', ['imap.password'])
  await hasReceived([missed])
  await isState('ready')
})

test('another mailbox under the same account starts over: what it holds is not announced', async () => {
  await start()
  gateway.getFolder('INBOX').uidNext = 100
  gateway.getFolder('INBOX').messages = []
  const connections = gateway.attempts
  logins.set('a', { ...login, user: 'another' })
  mail.announce('account_updated', 'a', ['imap.user'])
  await vi.waitFor(() => expect(gateway.attempts).toBeGreaterThan(connections))
  await isState('ready')
  const uid = gateway.deliver()
  await hasReceived([uid])
})

test('a folder that was recreated on the server is not announced from its beginning', async () => {
  await start()
  const inbox = gateway.getFolder('INBOX')
  inbox.uidValidity = 7
  inbox.uidNext = 50
  gateway.deliver()
  gateway.cut()
  await vi.waitFor(() => expect(mail.states.filter(state => state === 'ready')).toHaveLength(2))
  const uid = gateway.deliver()
  await hasReceived([uid])
})

test('a look that fails is tried again and the account is degraded meanwhile', async () => {
  await start()
  let failures = 2
  gateway.delay = step => {
    if (step === 'listArrivals' && failures-- > 0) throw new Problem('mail_server_refused', 'Not now.')
  }
  const uid = gateway.deliver()
  await hasReceived([uid])
  await hasTold(['ready', 'degraded', 'ready'])
})

test('a server without IDLE leaves the account degraded, with the reason', async () => {
  await start()
  for (const connection of gateway.connections) connection.notice('INBOX', { kind: 'polling' })
  await isState('degraded')
  expect(mail.stateOf().last_error).toMatchObject({ cause: 'no_idle', detail: expect.stringContaining('IDLE') })
})

test('mail is announced after a new login also while an old look for it still hangs', async () => {
  const limits = { connection_timeout_seconds: 60 }
  mail = new WatchedAccounts({ gateway, logins, backoff: soon, limits }, await startHub())
  await start()
  const { promise: hanging, resolve: letGo } = Promise.withResolvers<void>()
  let looks = 0
  gateway.delay = step => {
    if (step === 'listArrivals' && ++looks === 1) return hanging
  }
  const first = gateway.deliver()
  await vi.waitFor(() => expect(looks).toBe(1))
  mail.reconnect()
  await hasReceived([first])
  letGo()
  const second = gateway.deliver()
  await hasReceived([first, second])
})

test('nothing is said of an account because RustyMail is going away', async () => {
  await start()
  mail.pool.drain()
  gateway.deliver()
  gateway.cut(connection => connection.isWatching)
  await isState('connecting')
  const { attempts } = gateway
  await expect.poll(() => mail.pool.connections('a')?.open ?? 0).toBe(0)
  await hasTold(['ready', 'connecting'])
  expect(gateway.attempts).toBe(attempts)
})

test('accounts are followed as they are added, disabled, enabled and removed', async () => {
  await start()
  logins.set('b', login)
  mail.announce('account_added', 'b')
  await isState('ready', 'b')
  logins.delete('b')
  mail.announce('account_updated', 'b', ['enabled'])
  await isState('disabled', 'b')
  expect(mail.pool.connections('b')?.open ?? 0).toBe(0)
  logins.set('b', login)
  mail.announce('account_updated', 'b', ['enabled'])
  await isState('ready', 'b')
  logins.delete('b')
  mail.announce('account_removed', 'b')
  await vi.waitFor(() => expect(mail.stateOf('b').state).toBe('connecting'))
  expect(mail.stateOf('a').state).toBe('ready')
})

test('an account for which there is no room is degraded and can still be read', async () => {
  logins.set('b', login)
  mail = new WatchedAccounts(
    {
      gateway,
      logins,
      backoff: soon,
      limits: { max_connections: 2, connection_timeout_seconds: 1 },
    },
    await startHub(),
  )
  await mail.watcher.start()
  await isState('degraded', 'b')
  expect(mail.stateOf('b').last_error).toMatchObject({ cause: 'limit' })
  const read = mail.pool.run('b', 'interactive', one => one.listFolders(), new AbortController().signal)
  expect(await read).not.toHaveLength(0)
})

test('with fewer connections than accounts, mail of each can still be read and new mail of some is announced', async () => {
  for (const id of ['b', 'c']) logins.set(id, login)
  const limits = { max_connections: 10, connection_timeout_seconds: 1, connection_pool_size: 2 }
  mail = new WatchedAccounts({ gateway, logins, backoff: soon, limits }, await startHub())
  await mail.watcher.start()
  for (const id of logins.keys()) await isState('ready', id)
  await mail.pool.setLimits({ ...limits, max_connections: 2 })
  await vi.waitFor(() => {
    const states = [...logins.keys()].map(id => mail.stateOf(id).state)
    expect(states.sort()).toEqual(['degraded', 'degraded', 'ready'])
  })
  for (const id of logins.keys()) {
    const read = mail.pool.run(id, 'interactive', one => one.listFolders(), new AbortController().signal)
    expect(await read).not.toHaveLength(0)
  }
  const uid = gateway.deliver()
  await vi.waitFor(() => expect([...logins.keys()].flatMap(id => mail.receivedBy(id))).toEqual([uid]))
  expect(gateway.connections.size).toBeLessThanOrEqual(2)
})

test('a server that floods each connection is tried more and more rarely, however long each one held', async () => {
  await mail.stop()
  mail = new WatchedAccounts(
    { gateway, logins, backoff: { firstMs: 50, maxMs: 60_000, random: () => 1 } },
    await startHub(),
  )
  const delays: number[] = []
  const set = mail.health.set.bind(mail.health)
  vi.spyOn(mail.health, 'set').mockImplementation((account, state) => {
    if (state.nextRetryAt) delays.push(Date.parse(state.nextRetryAt) - Date.now())
    set(account, state)
  })
  await start()
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 3_600_000
    return now
  })
  try {
    for (let turn = 1; turn <= 4; turn++) {
      await isState('ready')
      const flood = new Problem('mail_server_unreachable', 'Far more than asked for.', { fault: 'flood' })
      for (const connection of [...gateway.connections]) connection.end(flood)
      await vi.waitFor(() => expect(delays).toHaveLength(turn))
      expect(mail.stateOf()).toMatchObject({ state: 'unreachable', last_error: { cause: 'flood' } })
    }
  } finally {
    clock.mockRestore()
  }
  for (const [index, delay] of delays.slice(1).entries()) expect(delay).toBeGreaterThan(1.5 * delays[index]!)
})
