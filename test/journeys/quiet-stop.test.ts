/** A server that is stopped during background work does not log that as a fault, and continues after the next start. */
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { Submission } from '../../contract/submission.ts'
import { startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { runRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Commands that a draft, a sent message, an operation and the index send to the mail server, one account each. */
const work = {
  draft: / APPEND "?Drafts/,
  sent: / APPEND "?Sent/,
  operation: / UID (MOVE|STORE|COPY)/,
  index: / UID FETCH/,
}

describe.skipIf(!available('dovecot'))('with a real mail server', () => {
  test('copies of drafts and of sent mail, operations and the index are stopped without a word', async () => {
    const dovecot = await startDovecot()
    const sink = new SmtpSink({ password: 'secret' })
    await sink.start()
    const dir = tempDir('quiet')
    const user = 'alice@test.local'
    const { password } = dovecot.users.find(each => each.user === user)!
    await dovecot.appendMessage(user, 'Subject: One\r\n\r\nx')
    const released = Promise.withResolvers<void>()
    let isHeld = true
    const ways = await Promise.all(
      Object.entries(work).map(async ([name, command]) => {
        const reached = Promise.withResolvers<void>()
        const relay = await startRelay(dovecot.imapPort, {
          holds: text => {
            if (!isHeld || !command.test(text)) return undefined
            reached.resolve()
            return released.promise
          },
        })
        return { name, relay, reached: reached.promise, account: '' }
      }),
    )
    const options = { dataDir: join(dir.path, 'data') }
    let rustymail = await runRustyMail(options)
    onTestFinished(async () => {
      await rustymail.stop('SIGKILL')
      for (const { relay } of ways) await relay.stop()
      await sink.stop()
      await dovecot.stop()
      dir.remove()
    })
    const cookie = await enter(rustymail.url)
    const tell = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
      const headers = { cookie, origin: rustymail.url, 'content-type': 'application/json' }
      const answer = await fetch(rustymail.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as Answer
    }
    const smtp = { host: '127.0.0.1', port: sink.port, tls: 'none', user, password: 'secret' }
    for (const way of ways) {
      const imap = { host: '127.0.0.1', port: way.relay.port, tls: 'none', user, password }
      const wanted = { name: way.name, email: user, imap, smtp }
      way.account = (await tell<Account>('POST', `${api.accounts.createAccount.path}?verify=false`, wanted)).id
    }
    const accountOf = (name: string) => `/api/v1/accounts/${ways.find(way => way.name === name)!.account}`
    const write = (name: string) =>
      tell<Draft>('POST', `${accountOf(name)}/drafts`, {
        ...{ to: ['anne@there.test'], subject: name, body: { format: 'text', content: 'x' } },
      })
    const draft = await write('draft')
    const { id, rev } = await write('sent')
    const { id: sent } = await tell<Submission>('POST', `${accountOf('sent')}/drafts/${id}/send`, { rev })
    const list = `${accountOf('operation')}/messages?folder=INBOX`
    const { items } = await tell<{ items: [{ ref: string }] }>('GET', list)
    const { id: operation } = await tell<{ id: string }>('POST', `${accountOf('operation')}/messages/actions`, {
      ...{ ids: [items[0].ref], add: ['flagged'] },
    })
    await Promise.all(ways.map(({ reached }) => reached))
    const stopping = rustymail.stop('SIGTERM')
    // The mail servers answer only once the program accepts no new work.
    const isReady = async () => (await fetch(rustymail.url + api.system.ready.path).catch(() => undefined))?.ok ?? false
    await expect.poll(isReady, { timeout: patience }).toBe(false)
    isHeld = false
    released.resolve()
    const { code } = await stopping
    const levels = rustymail
      .log()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as { level: string; msg: string; err?: object })
    const faults = levels.filter(({ level }) => /warn|error|fatal/.test(level))
    expect([code, faults]).toEqual([0, []])
    expect(levels.length).toBeGreaterThan(2)
    for (const { relay } of ways) relay.cutClients()
    rustymail = await runRustyMail(options)
    const cookieAgain = await enter(rustymail.url)
    const get = async (path: string) =>
      (await (await fetch(rustymail.url + path, { headers: { cookie: cookieAgain } })).json()) as Record<string, never>
    const ends = async () => ({
      draft: ((await get(`${accountOf('draft')}/drafts/${draft.id}`)) as unknown as Draft).saved.state,
      sent: ((await get(`/api/v1/outbox/${sent}`)) as unknown as Submission).sent_copy.state,
      operation: ((await get(`/api/v1/operations/${operation}`)) as unknown as { state: string }).state,
      index: ((await get(`${accountOf('index')}/index`)) as unknown as { state: string }).state,
    })
    const wanted = { draft: 'saved', sent: 'saved', operation: 'done', index: 'complete' }
    await expect.poll(ends, { timeout: patience }).toEqual(wanted)
  })
})
