/**
 * Everything that an account does on a mail server that allows it one connection: reading, changing, sending with a
 * copy, and hearing of new mail, all on that connection.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { Submission } from '../../contract/submission.ts'
import { ImapFlowGateway } from '../../server/imap/adapters/imapflow-gateway.ts'
import { startDovecot } from '../support/dovecot.ts'
import { openStream } from '../support/open-stream.ts'
import { startApp } from '../support/people.ts'
import { available } from '../support/require.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const user = 'alice@test.local'
const mail = (subject: string) =>
  `From: Bob <bob@test.local>\r\nTo: ${user}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@test.local>\r\n\r\nAt noon?\r\n`

interface Listed {
  items: { ref: string; subject: string; flags: string[] }[]
}

/** Logs in sequentially: Dovecot counts simultaneous logins loosely, and would allow a second connection. */
function oneByOne(): ImapFlowGateway {
  const gateway = new ImapFlowGateway()
  const connect = gateway.connect.bind(gateway)
  let last: Promise<unknown> = Promise.resolve()
  gateway.connect = (...given) => {
    const next = last.then(() => connect(...given))
    last = next.catch(() => undefined)
    return next
  }
  return gateway
}

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  test('with one connection a message leaves and is copied, others are moved, and lists, reads and news go on', async () => {
    let maildir = ''
    const fill = (directory: string) => {
      maildir = join(directory, user, 'Maildir')
      for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true })
      for (const name of ['one', 'two', 'three']) writeFileSync(join(maildir, 'new', `1.${name}.host`), mail(name))
    }
    const dovecot = await startDovecot({ maxConnectionsPerUser: 1, fill })
    onTestFinished(() => dovecot.stop())
    const sink = new SmtpSink({ password: 'pw-alice' })
    const port = await sink.start()
    onTestFinished(() => sink.stop())
    const { people } = await startApp({ overrides: { gateway: oneByOne() } })
    const { admin } = people
    const login = { host: '127.0.0.1', user, password: 'pw-alice' }
    const { id } = await people.tell<{ id: string }>(admin, 'POST', `${api.accounts.createAccount.path}`, {
      email: user,
      imap: { ...login, port: dovecot.imapsPort, tls: 'implicit' },
      smtp: { ...login, port, tls: 'none' },
    })
    await untilIndexed(people, id, 3)
    const base = `/api/v1/accounts/${id}`
    const { id: tokenId, proof } = await people.token(['mail:organize', 'mail:send'], [id])
    const approval = { always: false, strangers: false, tainted_minutes: null }
    const policy = { ...defaultPolicy, sending: { ...defaultPolicy.sending, recipients: ['@there.test'], approval } }
    await people.tell(admin, 'PUT', api.policy.setTokenPolicy.path.replace('{token_id}', tokenId), policy)
    const stream = await openStream(`${people.url}${api.events.streamEvents.path}?types=mail_received`, admin)
    onTestFinished(() => stream.close())
    await stream.next('welcome')
    const list = (folder: string) => people.tell<Listed>(proof, 'GET', `${base}/messages?folder=${folder}`)
    const subjects = async (folder: string) => (await list(folder)).items.map(({ subject }) => subject)

    const over = new AbortController()
    onTestFinished(() => over.abort())
    const statuses: number[] = []
    const load = Array.from({ length: 2 }, async () => {
      while (!over.signal.aborted)
        for (const { ref } of (await list('INBOX')).items)
          statuses.push((await people.ask(proof, 'GET', `${base}/messages/${ref}`)).status)
    })
    const draft = await people.tell<Draft>(proof, 'POST', `${base}/drafts`, {
      ...{ mode: 'new', to: ['anne@there.test'], subject: 'Lunch' },
      body: { format: 'text', content: 'At noon?' },
    })
    const sent = await people.tell<Submission>(proof, 'POST', `${base}/drafts/${draft.id}/send`, { rev: draft.rev })
    expect(sent.state).toBe('queued')
    await expect.poll(() => sink.taken.length, { interval: 20 }).toBe(1)
    const copy = async () => (await people.tell<Submission>(proof, 'GET', `/api/v1/outbox/${sent.id}`)).sent_copy.state
    await expect.poll(copy, { interval: 20 }).toBe('saved')
    await expect.poll(() => subjects('Sent'), { interval: 20 }).toEqual(['Lunch'])
    const act = async (subject: string, move_to: string) => {
      const { ref } = (await list('INBOX')).items.find(each => each.subject === subject)!
      const body = { ids: [ref], move_to: { folder: move_to } }
      const { id: operation } = await people.tell<OperationWithResults>(proof, 'POST', `${base}/messages/actions`, body)
      const state = async () =>
        (await people.tell<OperationWithResults>(proof, 'GET', `/api/v1/operations/${operation}`)).state
      await expect.poll(state, { interval: 20 }).toBe('done')
    }
    await act('one', 'Trash')
    await act('two', 'Archive')
    const came = ['four', 'five', 'six', 'seven']
    for (const subject of came) {
      writeFileSync(join(maildir, 'tmp', `2.${subject}.host`), mail(subject))
      renameSync(join(maildir, 'tmp', `2.${subject}.host`), join(maildir, 'new', `2.${subject}.host`))
      expect((await stream.next('mail_received')).data).toMatchObject({ account_id: id, subject })
    }
    over.abort()
    await Promise.all(load)
    await expect.poll(() => subjects('INBOX'), { interval: 20 }).toEqual([...came.toReversed(), 'three'])
    await expect.poll(() => subjects('Trash'), { interval: 20 }).toEqual(['one'])
    await expect.poll(() => subjects('Archive'), { interval: 20 }).toEqual(['two'])
    // A message that has just been moved is not found by its old reference.
    expect(statuses.filter(status => status !== 200 && status !== 404)).toEqual([])
    const of = (path: string) => people.tell<object>(admin, 'GET', path.replace('{account_id}', id))
    expect(await of(api.accounts.getAccount.path)).toMatchObject({ state: 'ready', last_error: null })
    const { items } = (await of(api.accounts.listAccountStates.path)) as { items: { state: string }[] }
    expect(items.map(({ state }) => state).filter(state => state !== 'connecting')).toEqual(['unknown', 'ready'])
    const { connections } = (await of(api.accounts.getAccount.path)) as Account
    expect(connections).toMatchObject({ watching: 1, open: 1, server_limit: 1 })
  })
})
