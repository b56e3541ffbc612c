/** The way of new mail on a real server, also when it is busy, restarts, or refuses the password. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Dovecot, startDovecot } from '../../test/support/dovecot.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { available } from '../../test/support/require.ts'
import { WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { PasswordLogin } from '../accounts/mail-login.ts'
import { ImapFlowGateway } from '../imap/adapters/imapflow-gateway.ts'

const signal = new AbortController().signal
const message = 'Subject: hello\n\nhello\n'

describe.skipIf(!available('dovecot'))('watching a real mailbox', () => {
  let dovecot: Dovecot
  let logins: Map<string, PasswordLogin>
  let mail: WatchedAccounts

  beforeAll(async () => {
    dovecot = await startDovecot({ maxConnectionsPerUser: 5 })
  })
  afterAll(() => dovecot?.stop())
  beforeEach(async () => {
    const { user, password } = dovecot.users[1]!
    logins = new Map([['b', { host: '127.0.0.1', port: dovecot.imapsPort, tls: 'implicit', user, password }]])
    const backoff = { firstMs: 50, maxMs: 400, random: Math.random }
    mail = new WatchedAccounts(
      { gateway: new ImapFlowGateway({ watching: { renewIdleMs: 20 } }), logins, backoff },
      await startHub(),
    )
  })
  afterEach(() => mail.stop())

  const append = async () => (await dovecot.appendMessage(dovecot.users[1]!.user, message)).uid
  const isState = (state: string) => vi.waitFor(() => expect(mail.stateOf('b').state).toBe(state))
  const hasReceived = (uids: number[]) => vi.waitFor(() => expect(mail.receivedBy('b')).toEqual(uids))

  test('new mail is announced with its UID, while IDLE is renewed all the time', async () => {
    await append()
    await mail.watcher.start()
    await isState('ready')
    const first = await append()
    await hasReceived([first])
    const second = await append()
    await hasReceived([first, second])
    expect(mail.states).toEqual(['ready'])
  })

  test('new mail is announced while requests are always under way', async () => {
    await mail.watcher.start()
    await isState('ready')
    const busy = new AbortController()
    const request = () => mail.pool.run('b', 'interactive', one => one.listMessages('INBOX', 50, undefined), signal)
    const load = Array.from({ length: 32 }, async () => {
      while (!busy.signal.aborted) await request()
    })
    const uids = [await append(), await append()]
    await hasReceived(uids)
    busy.abort()
    await Promise.all(load)
    expect(mail.pool.connections('b')?.open).toBeLessThanOrEqual(4)
  })

  test('after the server was away the account comes back by itself and misses nothing', async () => {
    await mail.watcher.start()
    await isState('ready')
    await dovecot.halt()
    await isState('unreachable')
    await vi.waitFor(() => expect(mail.stateOf('b').last_error?.cause).toBe('refused'))
    await dovecot.resume()
    const uid = await append()
    await hasReceived([uid])
    await isState('ready')
    expect(mail.states.slice(0, 3)).toEqual(['ready', 'connecting', 'unreachable'])
    const next = await append()
    await hasReceived([uid, next])
  })

  test('a wrong password is not tried again', async () => {
    const gateway = new ImapFlowGateway()
    const connect = vi.spyOn(gateway, 'connect')
    logins.set('b', { ...logins.get('b')!, password: 'wrong' })
    mail = new WatchedAccounts(
      { gateway, logins, backoff: { firstMs: 1, maxMs: 1, random: () => 0 } },
      await startHub(),
    )
    await mail.watcher.start()
    await isState('auth_failed')
    const read = mail.pool.run('b', 'interactive', one => one.listFolders(), signal)
    await expect(read).rejects.toMatchObject({ code: 'mail_login_refused' })
    expect(connect).toHaveBeenCalledTimes(1)
    expect(mail.stateOf('b').last_error).toMatchObject({ cause: 'login' })
    expect(JSON.stringify(mail.stateOf('b'))).not.toContain('wrong')
  })

  test('a server that allows fewer connections than we would like is not asked in vain', async () => {
    mail = new WatchedAccounts(
      { gateway: new ImapFlowGateway(), logins, limits: { connection_pool_size: 8 } },
      await startHub(),
    )
    await mail.watcher.start()
    await isState('ready')
    const most = () => mail.pool.connections('b')?.max ?? 8
    const learned = vi.waitFor(() => expect(most()).toBeLessThan(8), { interval: 10 })
    const release = Promise.withResolvers<void>()
    const requests: Promise<void>[] = []
    // Sequentially, each keeping its connection: Dovecot counts simultaneous logins loosely.
    for (let count = 0; count < 8 && most() === 8; count++) {
      const begun = Promise.withResolvers<void>()
      const hold = async () => {
        begun.resolve()
        await release.promise
      }
      requests.push(mail.pool.run('b', 'interactive', hold, signal))
      await Promise.race([begun.promise, learned])
    }
    await learned
    release.resolve()
    await Promise.all(requests)
    expect(mail.stateOf('b').state).toBe('ready')
  })
})
