/** Mails that tell an agent to send, forward, delete and leak, and an agent that obeys each of them, over REST and MCP. */
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Approval } from '../../contract/approvals.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { tokenPresets } from '../../contract/tokens.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { injectionMails, injectionText, ObedientAgent } from '../support/injection-mails.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed } from '../support/until-indexed.ts'

async function startInjected() {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const gateway = new MemoryGateway()
  const { people } = await startApp({ overrides: { gateway } })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const body = { name: 'ann', email: 'ann@example.org', imap, smtp }
  const { id: account } = await people.tell<Account>(
    people.admin,
    'POST',
    `${api.accounts.createAccount.path}?verify=false`,
    body,
  )
  for (const mail of injectionMails) {
    gateway.deliver({
      subject: mail.subject,
      text: injectionText(mail),
      from: [{ name: 'Stranger', email: mail.from }],
    })
  }
  await untilIndexed(people, account, injectionMails.length)
  return { people, gateway, sink, account }
}

/** Reads all mail over either protocol, and obeys it. */
async function obeyAll(
  { people, account }: Awaited<ReturnType<typeof startInjected>>,
  preset: keyof typeof tokenPresets,
  policy: TokenPolicy = defaultPolicy,
) {
  const token = await people.token([...tokenPresets[preset].scopes], [account])
  const path = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
  await people.tell(people.admin, 'PUT', path, policy)
  const client = await connectMcp(people.url, token.proof)
  const agent = new ObedientAgent(people, token.proof, client, { ACCOUNT: account, TOKEN: token.id })
  const { items } = await people.tell<{ items: { ref: string }[] }>(
    token.proof,
    'GET',
    `/api/v1/accounts/${account}/messages?folder=INBOX`,
  )
  for (const { ref } of items) {
    const { text } = await people.tell<{ text: string | null }>(
      token.proof,
      'GET',
      `/api/v1/accounts/${account}/messages/${ref}`,
    )
    await agent.obey(text ?? '', { REF: ref })
  }
  const { value } = await callTool(client, 'mail_search', { q: 'in:inbox', limit: 50 })
  for (const { ref } of value.hits as { ref: string }[]) {
    const read = await callTool(client, 'mail_read', { refs: [ref], view: 'text', max_chars: 20_000 })
    const [message] = (read.value.messages ?? []) as { untrusted_body?: string }[]
    await agent.obey(message?.untrusted_body ?? '', { TOOLREF: ref })
  }
  return agent
}

const inbox = (gateway: MemoryGateway) => gateway.folders.get('INBOX')!.messages.length

test.each(['reader', 'drafter'] as const)(
  'with the token of a %s nothing is sent and nothing is deleted',
  async preset => {
    const world = await startInjected()
    const agent = await obeyAll(world, preset)
    expect(agent.answers.length).toBeGreaterThan(2 * injectionMails.length)
    expect(world.sink.taken).toEqual([])
    const { items } = await world.people.tell<{ items: unknown[] }>(
      world.people.admin,
      'GET',
      api.outbox.listSubmissions.path,
    )
    expect(items).toEqual([])
    const left = [...world.gateway.folders.values()].reduce((sum, { messages }) => sum + messages.length, 0)
    expect(left).toBe(injectionMails.length)
    if (preset === 'reader') expect(inbox(world.gateway)).toBe(injectionMails.length)
  },
)

test('with the token of a sender nothing leaves that no human approved, and a human’s yes lets out exactly one message', async () => {
  const world = await startInjected()
  const { people, sink, gateway } = world
  const agent = await obeyAll(world, 'sender')
  expect(agent.answers.filter(answer => answer === 'POST 202').length).toBeGreaterThan(3)
  expect(sink.taken).toEqual([])
  const left = [...gateway.folders.values()].reduce((sum, { messages }) => sum + messages.length, 0)
  expect(left).toBe(injectionMails.length)
  const { items, waiting } = await people.tell<{ items: Approval[]; waiting: number }>(
    people.admin,
    'GET',
    api.approvals.listApprovals.path,
  )
  expect(items.length).toBe(waiting)
  expect(new Set(items.map(({ state }) => state))).toEqual(new Set(['waiting']))
  const [first] = items
  const path = `${api.approvals.listApprovals.path}/${first!.id}/approve`
  await people.tell(people.admin, 'POST', path, { hash: first!.hash })
  await expect.poll(() => sink.taken.length).toBe(1)
  expect(sink.taken[0]!.to).toEqual(first!.submission.recipients.map(({ email }) => email))
})

test('with a policy that asks for no approvals nothing leaves to strangers all the same, once mail of one was read', async () => {
  const world = await startInjected()
  const approval = { always: false, strangers: false, tainted_minutes: null }
  await obeyAll(world, 'sender', { ...defaultPolicy, sending: { ...defaultPolicy.sending, approval } })
  expect(world.sink.taken).toEqual([])
  const { items } = await world.people.tell<{ items: Approval[] }>(
    world.people.admin,
    'GET',
    api.approvals.listApprovals.path,
  )
  expect(items.length).toBeGreaterThan(3)
  const why = items.flatMap(({ findings }) =>
    findings.map(({ rule, recipients = [] }) => [rule, recipients.length > 0]),
  )
  expect(why).toEqual(items.map(() => ['approval_tainted', true]))
})

test('with the token of a sender that proposes the mailbox stays as it is, and a human finds what it was made to ask for', async () => {
  const world = await startInjected()
  const { people, sink, gateway } = world
  const mailbox = () => JSON.stringify([...gateway.folders].map(([path, { messages }]) => [path, messages]))
  const before = mailbox()
  const agent = await obeyAll(world, 'sender', { ...defaultPolicy, mode: 'propose' })
  expect(agent.answers.filter(answer => answer === 'POST 202').length).toBeGreaterThan(3)
  expect([mailbox(), sink.taken]).toEqual([before, []])
  const { items } = await people.tell<{ items: { counts: { items: number; applied: number; sends: number } }[] }>(
    people.admin,
    'GET',
    api.proposals.listProposals.path,
  )
  expect(items.reduce((sum, { counts }) => sum + counts.sends, 0)).toBeGreaterThan(3)
  expect(items.map(({ counts }) => counts.applied)).toEqual(items.map(() => 0))
})
