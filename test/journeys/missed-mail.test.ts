/** Mail that arrives while RustyMail is down is announced once after the start, also if that start is killed midway. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { onEachDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { openStream } from '../support/open-stream.ts'
import { available } from '../support/require.ts'
import { apiKey, type Served, startHere, startRustyMail } from '../support/rustymail.ts'

const authorization = `Bearer ${apiKey}`
/** More than two batches, each a transaction of its own. */
const missedCount = 1_234

async function deliver(dovecot: Dovecot, count: number): Promise<number[]> {
  const imap = await dovecot.login('alice@test.local')
  const uids: number[] = []
  for (let number = 0; number < count; number++) uids.push((await imap.append('INBOX', 'Subject: hello\r\n\r\n')).uid)
  imap.close()
  return uids
}

const isReady = (run: Served, account_id: string) =>
  expect.poll(async () => (await run.call(api.accounts.getAccount, { params: { account_id } })).state).toBe('ready')

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  onEachDatabase((_open, newUrl) => {
    test('each message is announced once, through kill -9 and another start', async () => {
      const dovecot = await startDovecot()
      onTestFinished(() => dovecot.stop())
      const environment = { RUSTYMAIL_DATABASE_URL: await newUrl() }
      await deliver(dovecot, 3)
      const first = await startRustyMail({ environment })
      const { dataDir } = first
      const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'alice@test.local' }
      const body = { email: 'alice@test.local', imap: { ...imap, password: 'pw-alice' } }
      const { id } = await first.call(api.accounts.createAccount, { body })
      await isReady(first, id)
      const [live] = await deliver(dovecot, 1)
      const beginning = await openStream(`${first.url}/api/dashboard/events`, { authorization })
      // Replayed from here, whatever was announced before and after.
      const { id: lastEventId } = await beginning.next('mail_received')
      expect(beginning.events.filter(({ event }) => event === 'mail_received')).toMatchObject([{ data: { uid: live } }])
      await first.stop('SIGKILL')

      const missed = await deliver(dovecot, missedCount)
      const second = await startRustyMail({ environment, dataDir })
      const replay = { authorization, 'last-event-id': lastEventId! }
      const query = '/api/dashboard/events?types=mail_received'
      const stream = await openStream(second.url + query, replay)
      await stream.next('mail_received')
      await second.stop('SIGKILL')

      const third = await startHere({ environment, dataDir })
      await isReady(third, id)
      const resumed = await openStream(third.url + query, replay)
      const uids = () =>
        resumed.events.filter(({ event }) => event === 'mail_received').map(({ data }) => (data as { uid: number }).uid)
      await expect.poll(() => uids().at(-1)).toBe(missed.at(-1))
      expect(uids()).toEqual(missed)
      const [last] = await deliver(dovecot, 1)
      await expect.poll(() => uids().at(-1)).toBe(last)
      await third.stop()

      const fourth = await startHere({ environment, dataDir })
      await isReady(fourth, id)
      const [next] = await deliver(dovecot, 1)
      const again = await openStream(fourth.url + query, replay)
      const all = () =>
        again.events.filter(({ event }) => event === 'mail_received').map(({ data }) => (data as { uid: number }).uid)
      await expect.poll(() => all().at(-1)).toBe(next)
      expect(all()).toEqual([...missed, last, next])
    })
  })
})
