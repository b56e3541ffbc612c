/** What is announced after RustyMail was down, was disabled, or finds another folder than it left. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { Database } from '../platform/database/database.ts'

const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }
const backoff = { firstMs: 1, maxMs: 20, random: () => 1 }

let db: Database
let gateway: MemoryGateway
let logins: Map<string, MailLogin>
let mail: WatchedAccounts

beforeEach(async () => {
  db = await memoryDatabase()
  gateway = new MemoryGateway()
  logins = new Map([['a', login]])
})
afterEach(() => mail.stop())

/** A start of the server; what an earlier one knew is in the database alone. */
async function start(): Promise<void> {
  mail = new WatchedAccounts({ gateway, logins, backoff }, await startHub(db))
  await mail.watcher.start()
  await isWatched()
}
const isWatched = () => vi.waitFor(() => expect(mail.stateOf().state).toBe('ready'))
const hasReceived = (uids: number[]) => vi.waitFor(() => expect(mail.receivedBy()).toEqual(uids))
const inbox = () => gateway.getFolder('INBOX')
const position = () => db.selectFrom('folder_states').select(['uid_validity', 'uid_next']).executeTakeFirst()
const isAt = (uid_validity: number, uid_next: number) =>
  vi.waitFor(async () => expect(await position()).toEqual({ uid_validity, uid_next }))

test('what came while it was down is announced after the start, once, and not what was there at first', async () => {
  gateway.deliver()
  await start()
  await isAt(inbox().uidValidity, 2)
  await mail.stop()
  const missed = [gateway.deliver({ subject: 'missed' }), gateway.deliver()]
  await start()
  await hasReceived(missed)
  expect(mail.arrivals[0]!.data).toMatchObject({ subject: 'missed', uid: 2, uid_validity: inbox().uidValidity })
  await mail.stop()
  await start()
  const next = gateway.deliver()
  await hasReceived([next])
})

test('what came while an account was disabled is announced when it is enabled again', async () => {
  await start()
  await hasReceived([gateway.deliver()])
  logins.delete('a')
  mail.announce('account_updated', 'a', ['enabled'])
  await vi.waitFor(() => expect(mail.stateOf().state).toBe('disabled'))
  const missed = gateway.deliver()
  logins.set('a', login)
  mail.announce('account_updated', 'a', ['enabled'])
  await hasReceived([1, missed])
})

test('an account that is deleted and added again is a new one: nothing that is there is announced', async () => {
  await start()
  await isAt(inbox().uidValidity, 1)
  logins.delete('a')
  await db.deleteFrom('accounts').where('id', '=', 'a').execute()
  mail.announce('account_removed')
  await vi.waitFor(() => expect(mail.stateOf().state).not.toBe('ready'))
  expect(await position()).toBeUndefined()
  gateway.deliver()
  logins.set('a', login)
  mail.announce('account_added')
  await isAt(inbox().uidValidity, 2)
  await hasReceived([gateway.deliver()])
})

test.each([
  ['more', 8],
  ['as many', 5],
  ['fewer', 3],
])(
  'a folder that was made again while it was down, with %s messages than before, is not announced',
  async (_, count) => {
    for (let number = 0; number < 4; number++) gateway.deliver()
    await start()
    await isAt(inbox().uidValidity, 5)
    await mail.stop()
    Object.assign(inbox(), { uidValidity: 4_000_000_000, uidNext: 1, messages: [] })
    for (let number = 0; number < count; number++) gateway.deliver()
    await start()
    await isAt(4_000_000_000, count + 1)
    await hasReceived([gateway.deliver()])
  },
)

test('a folder that is made again while it is watched is not announced, though its UIDs are higher', async () => {
  gateway.deliver()
  await start()
  await isAt(inbox().uidValidity, 2)
  const { connections } = gateway
  Object.assign(inbox(), { uidValidity: 4_000_000_000, uidNext: 50, messages: [] })
  gateway.deliver()
  await isAt(4_000_000_000, 51)
  expect(connections.size).toBeGreaterThan(0)
  const uid = gateway.deliver()
  await hasReceived([uid])
  expect(mail.arrivals[0]!.data.uid_validity).toBe(4_000_000_000)
})

test('a folder that was restored from a backup announces what comes next, with UIDs that it had announced', async () => {
  await start()
  await hasReceived([gateway.deliver(), gateway.deliver(), gateway.deliver()])
  await mail.stop()
  const { messages } = inbox()
  Object.assign(inbox(), { uidNext: 2, messages: messages.slice(0, 1) })
  await start()
  await isAt(inbox().uidValidity, 2)
  await hasReceived([gateway.deliver()])
  expect(mail.receivedBy()).toEqual([2])
})

test('the first mails into a new mailbox are announced, though it got its UIDVALIDITY with them and while it was down', async () => {
  await start()
  await isAt(inbox().uidValidity, 1)
  await mail.stop()
  inbox().uidValidity = 4711
  const missed = [gateway.deliver(), gateway.deliver()]
  await start()
  await hasReceived(missed)
  await isAt(4711, 3)
})

test('another mailbox under the account that it was changed to while it was down is a first one', async () => {
  await start()
  await isAt(inbox().uidValidity, 1)
  await mail.stop()
  gateway.deliver()
  logins.set('a', { ...login, user: 'another' })
  await start()
  await isAt(inbox().uidValidity, 2)
  await hasReceived([gateway.deliver()])
})

test('of more than ten thousand that came, the newest ten thousand are announced', async () => {
  await start()
  await isAt(inbox().uidValidity, 1)
  await mail.stop()
  const uids = Array.from({ length: 10_007 }, () => gateway.deliver())
  await start()
  await vi.waitFor(() => expect(mail.receivedBy().at(-1)).toBe(10_007))
  expect(mail.receivedBy()).toEqual(uids.slice(7))
  await isAt(inbox().uidValidity, 10_008)
})

test('what the database does not take is announced when it does, once, and the account is not blamed', async () => {
  await start()
  await isAt(inbox().uidValidity, 1)
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
  const transact = vi.spyOn(mail.hub, 'transact').mockRejectedValue(full)
  const uid = gateway.deliver()
  await vi.waitFor(() => expect(transact.mock.calls.length).toBeGreaterThan(2))
  transact.mockRestore()
  await hasReceived([uid])
  await hasReceived([uid, gateway.deliver()])
  expect(mail.states).toEqual(['ready'])
})

test('of two looks at once only one announces', async () => {
  await start()
  await isAt(inbox().uidValidity, 1)
  const held = Promise.withResolvers<void>()
  const { transact } = mail.hub
  const slow = vi.spyOn(mail.hub, 'transact').mockImplementationOnce(async work => {
    await held.promise
    return transact.call(mail.hub, work) as never
  })
  const uid = gateway.deliver()
  await vi.waitFor(() => expect(slow).toHaveBeenCalledTimes(1))
  // Another connection and another look, while the first is about to write its result.
  mail.reconnect()
  await hasReceived([uid])
  held.resolve()
  await Promise.all(slow.mock.results.map(({ value }) => value))
  await hasReceived([uid, gateway.deliver()])
})
