/**
 * The program is killed between the fact that a report has arrived and its processing: it is processed after the next
 * start.
 */
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { Submission } from '../../contract/submission.ts'
import { reportOf } from '../support/bounces.ts'
import { startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { runRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

describe.skipIf(!available('dovecot'))('with a real mail server', () => {
  test('a report is not missed', async () => {
    const dovecot = await startDovecot()
    const sink = new SmtpSink({ password: 'secret' })
    await sink.start()
    const dir = tempDir('bounce')
    const reached = Promise.withResolvers<void>()
    let isHeld = false
    const relay = await startRelay(dovecot.imapPort, {
      holds: text => {
        if (!isHeld || !/BODY\.PEEK\[\]<0/.test(text)) return undefined
        reached.resolve()
        return new Promise(() => undefined)
      },
    })
    const options = { dataDir: join(dir.path, 'data'), environment: { RUSTYMAIL_INDEX: 'off' } }
    let rustymail = await runRustyMail(options)
    onTestFinished(async () => {
      await rustymail.stop('SIGKILL')
      await relay.stop()
      await sink.stop()
      await dovecot.stop()
      dir.remove()
    })
    // What an API key sends waits for a human.
    const proof = { cookie: await enter(rustymail.url), origin: rustymail.url }
    const tell = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
      const headers = { ...proof, origin: rustymail.url, 'content-type': 'application/json' }
      const answer = await fetch(rustymail.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as Answer
    }
    const user = 'alice@test.local'
    const { password } = dovecot.users.find(each => each.user === user)!
    const imap = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password }
    const smtp = { host: '127.0.0.1', port: sink.port, tls: 'none', user, password: 'secret' }
    const { id: account } = await tell<Account>('POST', api.accounts.createAccount.path, { email: user, imap, smtp })
    const drafts = `/api/v1/accounts/${account}/drafts`
    const body = { format: 'text', content: 'At noon?' }
    const { id: draft, rev } = await tell<Draft>('POST', drafts, { to: ['anne@there.test'], subject: 'Lunch', body })
    const { id } = await tell<Submission>('POST', `${drafts}/${draft}/send`, { rev })
    const now = () => tell<Submission>('GET', `/api/v1/outbox/${id}`)
    await expect.poll(async () => (await now()).state, { timeout: patience }).toBe('sent')
    isHeld = true
    const report = reportOf('anne@there.test', (await now()).message_id, 'failed', '5.1.1', '550 no such user')
    await dovecot.appendMessage(user, report.replaceAll('\n', '\r\n'))
    await reached.promise
    await rustymail.stop('SIGKILL')
    isHeld = false
    relay.cutClients()
    rustymail = await runRustyMail(options)
    await expect.poll(async () => (await now()).recipients[0]?.state, { timeout: patience }).toBe('bounced')
  })
})
