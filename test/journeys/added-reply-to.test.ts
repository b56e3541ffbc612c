/**
 * A message that a contact did sign, sent once more by a stranger with a Reply-To of their own: the verified sender does
 * not vouch for where answers go.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Approval } from '../../contract/approvals.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { Message } from '../../contract/mail.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { Submission } from '../../contract/submission.ts'
import { startDovecot } from '../support/dovecot.ts'
import { startApp } from '../support/people.ts'
import { available } from '../support/require.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const alice = { user: 'alice@test.local', password: 'pw-alice' }
const verified = [
  'Received: from mail.corp.example ([192.0.2.1]) by mx.test.local with ESMTP; Sun, 22 Nov 2026 18:14:03 +0000',
  'Authentication-Results: mx.test.local; dkim=pass header.d=corp.example; dmarc=pass header.from=corp.example',
  'From: Boss <boss@corp.example>',
]

test.skipIf(!available('dovecot'))(
  'an answer to a contact leaves by itself, one to an added Reply-To is held',
  async () => {
    const dovecot = await startDovecot()
    onTestFinished(() => dovecot.stop())
    const sink = new SmtpSink({ password: alice.password })
    await sink.start()
    onTestFinished(() => sink.stop())
    const { people } = await startApp({ environment: { RUSTYMAIL_AUTH_SERVERS: '127.0.0.1=mx.test.local' } })
    const append = (head: string[], folder?: string) =>
      dovecot.appendMessage(alice.user, `${head.join('\n')}\n\nPlease send me the report.\n`, folder)
    await append([`From: ${alice.user}`, 'To: boss@corp.example', 'Subject: Hello'], 'Sent')
    await append([...verified, `To: ${alice.user}`, 'Subject: genuine'])
    await append([...verified, `To: ${alice.user}`, 'Subject: again', 'Reply-To: evil@elsewhere.example'])
    const login = { host: '127.0.0.1', tls: 'none', ...alice }
    const servers = { imap: { ...login, port: dovecot.imapPort }, smtp: { ...login, port: sink.port } }
    const body = { name: 'Alice', email: alice.user, ...servers }
    const path = `${api.accounts.createAccount.path}?verify=false`
    const { id: account } = await people.tell<Account>(people.admin, 'POST', path, body)
    await untilIndexed(people, account, 3)

    const token = await people.token(['mail:send'], [account])
    const approval = { always: false, strangers: false, tainted_minutes: null }
    const policy = { ...defaultPolicy, sending: { ...defaultPolicy.sending, approval } }
    await people.tell(people.admin, 'PUT', api.policy.setTokenPolicy.path.replace('{token_id}', token.id), policy)
    const of = `/api/v1/accounts/${account}`
    const { items } = await people.tell<{ items: Message[] }>(token.proof, 'GET', `${of}/messages?folder=INBOX`)
    const answer = async (wanted: string) => {
      const message = items.find(({ subject }) => subject === wanted)!.ref
      const written = { mode: 'reply', message, body: { format: 'text', content: 'Here it is.' } }
      const { id, rev } = await people.tell<Draft>(token.proof, 'POST', `${of}/drafts`, written)
      return people.tell<Submission>(token.proof, 'POST', `${of}/drafts/${id}/send`, { rev })
    }
    expect((await answer('genuine')).state).toBe('queued')
    await expect.poll(() => sink.taken.map(({ to }) => to)).toEqual([['boss@corp.example']])
    expect((await answer('again')).state).toBe('held')
    const held = await people.tell<{ items: Approval[] }>(people.admin, 'GET', api.approvals.listApprovals.path)
    expect(held.items[0]!.findings).toMatchObject([
      { rule: 'approval_tainted', recipients: ['evil@elsewhere.example'] },
    ])
  },
)
