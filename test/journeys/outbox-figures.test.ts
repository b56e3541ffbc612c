/**
 * The outbox in Prometheus: what waits, each attempt by its outcome, and nothing of it for callers that see only some
 * accounts.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { Submission } from '../../contract/submission.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type Proof, startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

test('what waits is counted from the moment it is held, scheduled or queued, and each attempt by its outcome', async () => {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const { people } = await startApp({ overrides: { gateway: new MemoryGateway() } })
  const { admin } = people
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const connect = async (user: string, smtpPassword: string) => {
    const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: smtpPassword }
    const wanted = { name: user, email: `${user}@example.org`, imap: { ...imap, user }, smtp }
    const path = `${api.accounts.createAccount.path}?verify=false`
    return (await people.tell<Account>(admin, 'POST', path, wanted)).id
  }
  const [account, refused] = [await connect('ann', 'secret'), await connect('bob', 'wrong')]
  const send = async (proof: Proof, of: string, at?: string) => {
    const drafts = `/api/v1/accounts/${of}/drafts`
    const body = { format: 'text', content: 'x' }
    const written = { mode: 'new', to: ['anne@there.test'], subject: 'Hello', body }
    const { id, rev } = await people.tell<Draft>(proof, 'POST', drafts, written)
    return people.tell<Submission>(proof, 'POST', `${drafts}/${id}/send`, { rev, ...(at && { at }) })
  }
  const outboxOf = async (proof: Proof) => {
    const { text } = await people.ask(proof, 'GET', '/metrics')
    return text.split('\n').filter(line => line.startsWith('rustymail_outbox'))
  }
  const settings = await people.tell<object>(admin, 'GET', api.approvals.getApprovalSettings.path)
  await people.tell(admin, 'PUT', api.approvals.setApprovalSettings.path, { ...settings, undo_seconds: 0 })

  expect(await outboxOf(admin)).toEqual(['rustymail_outbox_waiting 0'])
  const token = await people.token(['mail:send'], [account])
  const later = new Date(Date.now() + 86_400_000).toISOString()
  expect([(await send(token.proof, account)).state, (await send(admin, account, later)).state]).toEqual([
    'held',
    'scheduled',
  ])
  expect(await outboxOf(admin)).toEqual(['rustymail_outbox_waiting 2'])
  await send(admin, account)
  await send(admin, refused)
  await expect
    .poll(async () => (await outboxOf(admin)).toSorted())
    .toEqual([
      'rustymail_outbox_attempts_total{outcome="queued"} 1',
      'rustymail_outbox_attempts_total{outcome="sent"} 1',
      'rustymail_outbox_waiting 3',
    ])

  const program = await people.token(['dashboard:read'])
  const person = await people.invite('operator', [account])
  expect([await outboxOf(program.proof), await outboxOf(person.proof)]).toEqual([[], []])
  const { text } = await people.ask(person.proof, 'GET', '/metrics')
  expect(text).toContain('rustymail_event_streams')
})
