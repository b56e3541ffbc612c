/** Outgoing mail: a draft, a token that requests, a human who decides, and a mail server that gets exactly that. */
import { createHash } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Approval, ApprovalDetail } from '../../contract/approvals.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { Submission } from '../../contract/submission.ts'
import { submissionHash } from '../../server/drafts/composed-message.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { openStream } from '../support/open-stream.ts'
import { type Answer, type Proof, startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const approvals = api.approvals.listApprovals.path
const codeOf = ({ text, status }: Answer) => (status < 300 ? 'ok' : (JSON.parse(text) as { code: string }).code)

async function startSender() {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const gateway = new MemoryGateway()
  const { people } = await startApp({ overrides: { gateway } })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const connect = async (user: string, more: object) =>
    (
      await people.tell<Account>(people.admin, 'POST', `${api.accounts.createAccount.path}?verify=false`, {
        ...{ name: user, email: `${user}@example.org`, imap: { ...imap, user } },
        ...more,
      })
    ).id
  const [account, silent] = [await connect('ann', { smtp }), await connect('bob', {})]
  const write = (proof: Proof, subject = 'Lunch', of = account) =>
    people.tell<Draft>(proof, 'POST', `/api/v1/accounts/${of}/drafts`, {
      ...{ mode: 'new', to: ['anne@there.test'], bcc: ['cy@there.test'], subject },
      body: { format: 'markdown', content: 'At **noon**? <script>alert(1)</script>' },
    })
  const send = (proof: Proof, { id, rev }: Draft, of = account) =>
    people.ask(proof, 'POST', `/api/v1/accounts/${of}/drafts/${id}/send`, { rev })
  return { people, gateway, sink, account, silent, write, send }
}

test('a token asks, hears why it waits, cannot approve by any way; a human sees the bytes, and exactly those leave', async () => {
  const { people, sink, account, silent, write, send } = await startSender()
  const { admin } = people
  const token = await people.token(['mail:send'], [account, silent])
  const stream = await openStream(
    `${people.url}${api.events.streamEvents.path}?types=approval_requested,approval_decided`,
    admin,
  )
  await stream.next('welcome')
  const client = await connectMcp(people.url, token.proof)
  const draft = await write(token.proof)
  const sent = await callTool(client, 'mail_send', { draft: draft.id, rev: draft.rev })
  expect([sent.isError, sent.value.status]).toEqual([false, 'pending'])
  const { data } = await stream.next('approval_requested')
  const { approval_id: id } = data as { approval_id: string }
  expect(sent.value.approve_url).toBe(`${people.url}/approvals?open=${id}`)
  const detail = await people.tell<ApprovalDetail>(admin, 'GET', `${approvals}/${id}`)
  expect(detail.content.envelope.to).toEqual(['anne@there.test', 'cy@there.test'])
  expect(detail.content.headers.find(({ name }) => /^subject$/i.test(name))?.value).toBe('Lunch')
  expect(detail.content.html).not.toContain('alert(1)</script>')
  expect(detail.activity).toMatchObject({ held: 1, sent: 0 })
  expect(detail.activity.calls.map(({ name }) => name)).toContain('drafts.createDraft')
  // Mail scanners follow links, and the token tries every method.
  for (const method of ['GET', 'HEAD'])
    expect((await people.ask(admin, method, `${approvals}/${id}/approve`)).status).toBe(405)
  const approve = (proof: Proof, hash = detail.hash) =>
    people.ask(proof, 'POST', `${approvals}/${id}/approve`, { hash })
  expect(codeOf(await approve(token.proof))).toBe('session_needed')
  expect(codeOf(await approve((await people.invite('operator')).proof))).toBe('forbidden')
  expect(codeOf(await approve(admin, '0'.repeat(64)))).toBe('approval_void')
  expect(codeOf(await people.ask(token.proof, 'PUT', api.approvals.setApprovalSettings.path, {}))).toBe('forbidden')
  expect(sink.taken).toEqual([])
  expect(codeOf(await approve(admin))).toBe('ok')
  expect((await stream.next('approval_decided')).data).toMatchObject({ approval_id: id, state: 'approved' })
  await expect.poll(() => sink.taken.length).toBe(1)
  const [{ from, to, bytes }] = sink.taken as [(typeof sink.taken)[number]]
  expect(submissionHash({ from, to }, createHash('sha256').update(bytes).digest('hex'))).toBe(detail.hash)
  expect(bytes.toString()).not.toMatch(/^bcc:/im)
  stream.close()
  expect(codeOf(await send(token.proof, await write(token.proof, 'x', silent), silent))).toBe('account_cannot_send')
})

test('a denial reaches the agent with its reason; what others ask for is not shown to a token; no scope, no sending', async () => {
  const { people, account, write, send } = await startSender()
  const { admin } = people
  const [token, other, drafter] = [
    await people.token(['mail:send'], [account]),
    await people.token(['mail:send'], [account]),
    await people.token(['mail:draft'], [account]),
  ]
  const client = await connectMcp(people.url, token.proof)
  const draft = await write(token.proof)
  const { id } = JSON.parse((await send(token.proof, draft)).text) as Submission
  const { items } = await people.tell<{ items: Approval[] }>(admin, 'GET', approvals)
  const [waiting] = items
  expect((await people.tell<{ items: unknown[] }>(other.proof, 'GET', approvals)).items).toEqual([])
  for (const path of [`${approvals}/${waiting!.id}`, `/api/v1/outbox/${id}`, `/api/v1/outbox/${id}/content`]) {
    expect((await people.ask(other.proof, 'GET', path)).status).toBe(404)
  }
  await people.tell(admin, 'POST', `${approvals}/${waiting!.id}/deny`, {
    hash: waiting!.hash,
    reason: 'Wrong customer.',
  })
  const { value } = await callTool(client, 'mail_outbox', { op: 'get', id })
  expect(JSON.stringify(value)).toContain('Wrong customer.')
  expect(codeOf(await send(drafter.proof, await write(drafter.proof)))).toBe('forbidden')
  const plain = await connectMcp(people.url, drafter.proof)
  expect((await plain.listTools()).tools.map(({ name }) => name)).not.toContain('mail_send')
  const mine = await write(drafter.proof)
  const check = await people.tell<{ verdict: string }>(
    drafter.proof,
    'POST',
    `/api/v1/accounts/${account}/drafts/${mine.id}/check`,
    {},
  )
  expect(check.verdict).toBe('hold')
})

test('what a token read of strangers holds its messages where its policy says so', async () => {
  const { people, gateway, account, write, send, sink } = await startSender()
  const { admin } = people
  const token = await people.token(['mail:send'], [account])
  const path = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
  const { policy } = await people.tell<{ policy: { sending: object } }>(admin, 'GET', path)
  const approval = { always: false, strangers: false, tainted_minutes: 60 }
  await people.tell(admin, 'PUT', path, { ...policy, sending: { ...policy.sending, approval } })
  const stateOf = async (draft: Draft) => (JSON.parse((await send(token.proof, draft)).text) as Submission).state
  expect(await stateOf(await write(token.proof))).toBe('queued')
  await expect.poll(() => sink.taken.length).toBe(1)
  // Folder names are not mail content.
  await people.tell(token.proof, 'GET', `/api/v1/accounts/${account}/folders`)
  expect(await stateOf(await write(token.proof))).toBe('queued')
  gateway.deliver({ subject: 'Hello', from: [{ name: 'Eve', email: 'eve@evil.example' }] })
  // With the copies of what was sent, in the sent folder.
  await untilIndexed(people, account, 3)
  await people.tell(token.proof, 'GET', `/api/v1/accounts/${account}/messages?folder=INBOX`)
  const held = await write(token.proof)
  expect(await stateOf(held)).toBe('held')
  // A token can see a message's words without reading it: each road by which that happens, with a token of its own.
  const messages = `/api/v1/accounts/${account}/messages?folder=INBOX`
  const [{ ref }] = (await people.tell<{ items: [{ ref: string }] }>(admin, 'GET', messages)).items
  const drafts = `/api/v1/accounts/${account}/drafts`
  const others = async () => {
    const other = await people.token(['mail:send'], [account])
    const route = api.policy.setTokenPolicy.path.replace('{token_id}', other.id)
    await people.tell(admin, 'PUT', route, { ...policy, sending: { ...policy.sending, approval } })
    return other.proof
  }
  const [asksRest, asksMcp] = [await others(), await others()]
  await people.tell(asksRest, 'POST', drafts, { mode: 'reply', message: ref, body: { format: 'text', content: 'x' } })
  await callTool(await connectMcp(people.url, asksMcp), 'mail_draft', { mode: 'forward', ref: `${account}.${ref}` })
  for (const proof of [asksRest, asksMcp]) {
    const next = await write(proof)
    expect((JSON.parse((await send(proof, next)).text) as Submission).state).toBe('held')
  }
})

test('a token that is revoked takes back what it sent: what is held, and what the mail server has not had whole', async () => {
  const { people, account, write, send, sink } = await startSender()
  const { admin } = people
  const token = await people.token(['mail:send'], [account])
  const path = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
  const held = JSON.parse((await send(token.proof, await write(token.proof))).text) as Submission
  const { policy } = await people.tell<{ policy: { sending: object } }>(admin, 'GET', path)
  const approval = { always: false, strangers: false, tainted_minutes: null }
  await people.tell(admin, 'PUT', path, { ...policy, sending: { ...policy.sending, approval } })
  const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  sink.script.onCommand = async line => {
    if (line !== 'DATA') return undefined
    begun.resolve()
    await released.promise
    return undefined
  }
  const leaving = JSON.parse((await send(token.proof, await write(token.proof))).text) as Submission
  await begun.promise
  await people.tell(admin, 'DELETE', api.tokens.revokeToken.path.replace('{token_id}', token.id))
  released.resolve()
  const now = (id: string) => people.tell<Submission>(admin, 'GET', `/api/v1/outbox/${id}`)
  await expect.poll(async () => (await now(leaving.id)).state).toBe('failed')
  expect((await now(leaving.id)).error?.code).toBe('sender_not_allowed')
  // It is withdrawn, so that nothing waits that cannot be approved.
  await expect.poll(async () => (await now(held.id)).state).toBe('denied')
  expect((await now(held.id)).error?.code).toBe('sender_not_allowed')
  const yes = { hash: held.hash }
  expect(codeOf(await people.ask(admin, 'POST', `${approvals}/${held.approval_id}/approve`, yes))).toBe('approval_void')
  expect(sink.taken).toEqual([])
})

test('a draft that is read as a file may quote a stranger: what the token sends afterwards is held', async () => {
  const { people, account, write, send } = await startSender()
  const token = await people.token(['mail:send'], [account])
  const path = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
  const { policy } = await people.tell<{ policy: { sending: object } }>(people.admin, 'GET', path)
  const approval = { always: false, strangers: false, tainted_minutes: 60 }
  await people.tell(people.admin, 'PUT', path, { ...policy, sending: { ...policy.sending, approval } })
  const stateOf = async (draft: Draft) => (JSON.parse((await send(token.proof, draft)).text) as Submission).state
  expect(await stateOf(await write(token.proof))).toBe('queued')
  const draft = await write(token.proof)
  const shown = await people.ask(token.proof, 'GET', `/api/v1/accounts/${account}/drafts/${draft.id}/raw`)
  expect(shown.status).toBe(200)
  expect(await stateOf(draft)).toBe('held')
})
