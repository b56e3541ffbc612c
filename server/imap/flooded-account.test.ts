/** Accounts on real sockets whose mail servers flood: each says why, is tried again more and more rarely, and others stay ready. */
import { afterEach, expect, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { type FloodingImap, type FloodScript, startFloodingImap } from '../../test/support/flooding-imap.ts'
import { WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { ImapFlowGateway } from './adapters/imapflow-gateway.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(script: FloodScript): Promise<FloodingImap> {
  const server = await startFloodingImap(script)
  ends.push(() => server.stop())
  return server
}

const loginAt = ({ port }: FloodingImap): MailLogin => ({
  host: '127.0.0.1',
  port,
  tls: 'none',
  user: 'u',
  password: 'p',
})

test('twenty flooding servers: each account says why, and the quiet one is ready and can be read', async () => {
  const quiet = await start({})
  const floods: FloodScript[] = [
    { at: 'GREETING', again: '* OK hi\r\n' },
    { at: 'LOGIN', again: '* 1 EXISTS\r\n' },
    { at: 'IDLE', again: '* 1 EXPUNGE\r\n' },
    { at: 'IDLE', begin: '* OK ', again: 'x' },
  ]
  const logins = new Map([['quiet', loginAt(quiet)]])
  for (let index = 0; index < 20; index++) {
    logins.set(`flood${index}`, loginAt(await start(floods[index % floods.length]!)))
  }
  const gateway = new ImapFlowGateway({ unaskedLines: 2_000 })
  // The first back-off is long, so that the account's state stays.
  const backoff = { firstMs: 600_000, maxMs: 600_000, random: () => 1 }
  const limits = { connection_timeout_seconds: 60 }
  const mail = new WatchedAccounts({ gateway, logins, backoff, limits }, await startHub())
  ends.push(() => mail.stop())
  await mail.watcher.start()
  for (const id of logins.keys()) {
    const expected = id === 'quiet' ? { state: 'ready' } : { state: 'unreachable', last_error: { cause: 'flood' } }
    await vi.waitFor(() => expect(mail.stateOf(id)).toMatchObject(expected))
  }
  const { signal } = new AbortController()
  const page = await mail.pool.run('quiet', 'interactive', one => one.listMessages('INBOX', 10, undefined), signal)
  expect(page.messages).toHaveLength(3)
})

test('a server that floods each new connection is asked again, and pauses grow', async () => {
  const server = await start({ at: 'LOGIN', again: '* OK hi\r\n' })
  const gateway = new ImapFlowGateway()
  const backoff = { firstMs: 10, maxMs: 60_000, random: () => 1 }
  const mail = new WatchedAccounts({ gateway, logins: new Map([['a', loginAt(server)]]), backoff }, await startHub())
  ends.push(() => mail.stop())
  const pauses: number[] = []
  const set = mail.health.set.bind(mail.health)
  vi.spyOn(mail.health, 'set').mockImplementation((account, state) => {
    if (state.nextRetryAt) pauses.push(Date.parse(state.nextRetryAt) - Date.now())
    set(account, state)
  })
  await mail.watcher.start()
  await vi.waitFor(() => expect(pauses.length).toBeGreaterThan(5))
  expect(server.connections).toBeGreaterThan(5)
  expect(pauses[5]).toBeGreaterThan(8 * pauses[1]!)
})
