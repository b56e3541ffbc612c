/**
 * Mail that arrives while the server is killed repeatedly: each is delivered to the webhook, none is missing, and
 * duplicates share an id.
 */
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { newPostgresDatabase } from '../support/databases.ts'
import { startDovecot } from '../support/dovecot.ts'
import { ask } from '../support/events-client.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { apiKey, startRustyMail } from '../support/rustymail.ts'
import { answer, startWebhookSink } from '../support/webhook-sink.ts'

const authorization = `Bearer ${apiKey}`
/** A soak test sets more: 10,000 mails and 20 kills. */
const mails = Number(process.env.RUSTYMAIL_TEST_EVENT_MAILS ?? 200)
const kills = Number(process.env.RUSTYMAIL_TEST_EVENT_KILLS ?? 2)

const databases = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ RUSTYMAIL_DATABASE_URL: await newPostgresDatabase(inject('postgresUrl')!) })],
] as const

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  test.for(databases.filter(([name]) => name === 'SQLite' || inject('postgresUrl') !== undefined))(
    'kill -9 loses no event, with %s',
    { timeout: patience + mails * 100 },
    async ([, environmentOf]) => {
      const [dovecot, sink] = [await startDovecot(), await startWebhookSink()]
      onTestFinished(() => dovecot.stop())
      const environment = { ...(await environmentOf()), NODE_EXTRA_CA_CERTS: sink.certFile }
      let server = await startRustyMail({ environment })
      const { dataDir } = server
      const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'alice@test.local' }
      const body = { email: 'alice@test.local', imap: { ...imap, password: 'pw-alice' } }
      const { id } = await server.call(api.accounts.createAccount, { body })
      const ready = async () =>
        expect
          .poll(async () => (await server.call(api.accounts.getAccount, { params: { account_id: id } })).state)
          .toBe('ready')
      await ready()
      const hook = sink.endpoint('hook')
      await ask(server.url, { authorization }, 'events/subscribe', {
        ...{ name: 'message.received', arguments: { account: id } },
        delivery: { mode: 'webhook', url: hook.url, secret: hook.secret },
      })
      const told = () =>
        sink.of(hook).map(({ body: { data } }) => (data as { untrusted_subject: string }).untrusted_subject)
      const isTold = (count: number) =>
        vi.waitFor(
          () => {
            const distinct = sink.uniqueIds(hook)
            if (distinct < count) throw new Error(`${distinct} of ${count}: ${sink.faults.slice(0, 3).join('; ')}`)
          },
          patience + mails * 50,
        )
      const writer = await dovecot.login('alice@test.local')
      const writing = (async () => {
        for (let number = 0; number < mails; number++) {
          await writer.append(
            'INBOX',
            `From: a@b.test\r\nSubject: mail ${number}\r\nMessage-ID: <${number}@b.test>\r\n\r\nx`,
          )
        }
      })()
      for (let kill = 1; kill <= kills; kill++) {
        // Killed during delivery, at an arbitrary point.
        await isTold(Math.floor((mails * kill) / (kills + 1)) - 20)
        await server.stop('SIGKILL')
        // The receiver fails for a moment as well.
        sink.answers.set(hook.path, [answer(503)])
        server = await startRustyMail({ environment, dataDir })
      }
      await writing
      writer.close()
      await isTold(mails)
      expect(sink.uniqueIds(hook)).toBe(mails)
      // Each subject came under one id, and in order except for redeliveries.
      const ids = new Map<string, Set<string>>()
      for (const {
        id: event,
        body: { data },
      } of sink.of(hook)) {
        const subject = /mail \d+/.exec((data as { untrusted_subject: string }).untrusted_subject)![0]
        ids.set(subject, (ids.get(subject) ?? new Set()).add(event))
      }
      expect([ids.size, Math.max(...[...ids.values()].map(({ size }) => size))]).toEqual([mails, 1])
      const first = [...new Set(told().map(subject => /mail (\d+)/.exec(subject)![1]))].map(Number)
      expect(first).toEqual(Array.from({ length: mails }, (_, number) => number))
      expect(sink.faults).toEqual([])
    },
  )
})
