/** From a token's request to the notified browser: over our own push service, which decrypts as a browser would. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Approval } from '../../contract/approvals.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { PushSubscription } from '../../contract/push.ts'
import type { Submission } from '../../contract/submission.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type Answer, type People, type Proof, startApp } from '../support/people.ts'
import {
  fingerprintOf,
  type PushStandIn,
  refuse,
  type StandInBrowser,
  startPushStandIn,
} from '../support/push-stand-in.ts'
import { startRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const path = api.push.getPush.path
const codeOf = ({ text, status }: Answer) => (status < 300 ? 'ok' : (JSON.parse(text) as { code: string }).code)
interface Pushes {
  public_key: string
  services: string[]
  items: PushSubscription[]
}

class World {
  readonly people: People
  readonly service: PushStandIn
  readonly account: string

  constructor(people: People, service: PushStandIn, account: string) {
    this.people = people
    this.service = service
    this.account = account
  }

  list(proof: Proof = this.people.admin): Promise<Pushes> {
    return this.people.tell<Pushes>(proof, 'GET', path)
  }

  subscribe(browser: StandInBrowser, proof: Proof = this.people.admin, more: object = {}): Promise<PushSubscription> {
    return this.people.tell(proof, 'POST', `${path}/subscriptions`, { ...browser.subscription, ...more })
  }

  /** A token requests to send a message. @returns Its pending approval. */
  async ask(proof: Proof, to = 'anne@there.test'): Promise<string> {
    const drafts = `/api/v1/accounts/${this.account}/drafts`
    const draft = await this.write(proof, to)
    const sent = await this.people.tell<Submission>(proof, 'POST', `${drafts}/${draft.id}/send`, { rev: draft.rev })
    expect(sent.state).toBe('held')
    return sent.approval_id!
  }

  write(proof: Proof, to = 'anne@there.test'): Promise<Draft> {
    return this.people.tell<Draft>(proof, 'POST', `/api/v1/accounts/${this.account}/drafts`, {
      ...{ mode: 'new', to: [to], subject: 'A secret plan' },
      body: { format: 'markdown', content: 'Nobody must know.' },
    })
  }

  /** Creates a token that may only propose. */
  async proposing(): Promise<Proof> {
    const { id, proof } = await this.people.token(['mail:send'], [this.account])
    const policy = api.policy.setTokenPolicy.path.replace('{token_id}', id)
    await this.people.tell(this.people.admin, 'PUT', policy, { ...defaultPolicy, mode: 'propose' })
    return proof
  }

  /** Waits until the browser was notified this often. */
  async told(browser: StandInBrowser, times: number): Promise<Record<string, unknown>[]> {
    await vi.waitFor(() => expect(this.service.contentsOf(browser).length).toBeGreaterThanOrEqual(times))
    return this.service.contentsOf(browser)
  }
}

const smtp = { host: '127.0.0.1', port: 1, tls: 'none', user: 'me', password: 'secret' }

async function startWorld(environment: Record<string, string> = {}): Promise<World> {
  const service = await startPushStandIn()
  const { people } = await startApp({
    environment: { RUSTYMAIL_PUSH_SERVICES: service.host, ...environment },
    overrides: { gateway: new MemoryGateway() },
  })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const { id } = await people.tell<Account>(people.admin, 'POST', `${api.accounts.createAccount.path}?verify=false`, {
    ...{ name: 'Support', email: 'support@example.org', imap, smtp },
  })
  const world = new World(people, service, id)
  service.publicKey = (await world.list()).public_key
  return world
}

test('a token asks, and the browser of a user who may approve is told the name and the count, and nothing of the message', async () => {
  const world = await startWorld()
  const { people, service, account } = world
  const [phone, shy] = [service.browser('phone'), service.browser('shy')]
  const made = await world.subscribe(phone)
  await world.subscribe(shy, people.admin, { details: 'none' })
  expect(made).toMatchObject({ service: service.host, fingerprint: fingerprintOf(phone), failing: null })
  const token = await people.token(['mail:send'], [account])
  const id = await world.ask(token.proof)
  const [told] = await world.told(phone, 1)
  expect(told).toEqual({
    ...{ kind: 'approvals', count: 1, proposals: 0, total: 1, asks: 'token 1', account: 'Support', open: id },
    tag: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  const [less] = await world.told(shy, 1)
  expect(less).toMatchObject({ count: 1, asks: null, account: null, open: id })
  const { headers, length } = service.taken[0]!
  expect(headers).toMatchObject({ urgency: 'high', 'content-type': 'application/octet-stream' })
  const week = 7 * 24 * 3_600
  expect(Number(headers.ttl)).toBeGreaterThan(week - 3_600)
  expect(Number(headers.ttl)).toBeLessThanOrEqual(week)
  // As long as the other, and below the services' limit; the topics of two browsers differ.
  expect(new Set(service.taken.map(each => each.length))).toEqual(new Set([length]))
  expect(new Set(service.taken.map(each => each.headers.topic)).size).toBe(2)
  expect(length).toBeLessThan(4_096)
  expect(service.faults).toEqual([])
  await vi.waitFor(async () =>
    expect((await world.list()).items.map(item => item.last_success_at)).toEqual([
      expect.any(String),
      expect.any(String),
    ]),
  )
  const { text } = await people.ask(people.admin, 'GET', '/metrics')
  expect(text).toContain('rustymail_push_notifications_total{outcome="sent"} 2')
  // Reading the notification approves nothing.
  const approval = await people.tell<Approval>(people.admin, 'GET', `${api.approvals.listApprovals.path}/${id}`)
  expect(approval.state).toBe('waiting')
})

test('many requests at once make two notifications: the first, and one that counts what came meanwhile', async () => {
  const world = await startWorld()
  const phone = world.service.browser('phone')
  await world.subscribe(phone)
  const token = await world.people.token(['mail:send'], [world.account])
  await world.ask(token.proof)
  const [first] = await world.told(phone, 1)
  expect(first).toMatchObject({ count: 1, total: 1 })
  for (const to of ['ben@there.test', 'cy@there.test', 'dee@there.test', 'ben@there.test']) {
    await world.ask(token.proof, to)
  }
  // Two drafts and a message are one proposal.
  const proposing = await world.proposing()
  await world.write(proposing)
  await world.write(proposing)
  await world.ask(proposing)
  const [, second] = await world.told(phone, 2)
  expect(second).toMatchObject({ tag: 'approvals', count: 5, proposals: 1, total: 6, asks: 'token 1 and token 2' })
  expect(world.service.asked).toBe(2)
})

test('what a token proposes is one notification that leads to it, for those who may apply it, without a word of it', async () => {
  const world = await startWorld()
  const { people, service } = world
  const other = await people.invite('administrator')
  const operator = await people.invite('operator')
  const [own, theirs, blind] = [service.browser('own'), service.browser('theirs'), service.browser('blind')]
  await world.subscribe(own)
  await world.subscribe(theirs, other.proof)
  await world.subscribe(blind, operator.proof)
  const settings = await people.tell<object>(people.admin, 'GET', api.approvals.getApprovalSettings.path)
  // The owner of the token may not apply what it proposes.
  await people.tell(people.admin, 'PUT', api.approvals.setApprovalSettings.path, { ...settings, own_tokens: false })
  const { proposal_id: id } = await world.write(await world.proposing())
  const [told] = await world.told(theirs, 1)
  expect(told).toEqual({
    ...{ kind: 'approvals', count: 1, proposals: 1, total: 1, account: 'Support', open: id, tag: id },
    asks: expect.stringMatching(/^token/),
  })
  expect(service.asked).toBe(1)
  await people.tell(people.admin, 'PUT', api.approvals.setApprovalSettings.path, settings)
  const second = await world.write(await world.proposing())
  expect((await world.told(own, 1))[0]).toMatchObject({ count: 1, total: 2, open: second.proposal_id })
  expect(service.contentsOf(blind)).toEqual([])
  expect(service.faults).toEqual([])
})

test('only those are told who may approve it at that moment: role, accounts, four eyes, disabled, signed out, no token', async () => {
  const world = await startWorld()
  const { people, service, account } = world
  const operator = await people.invite('operator')
  const leaver = await people.invite('administrator')
  const disabled = await people.invite('administrator')
  const demoted = await people.invite('administrator')
  const other = await people.invite('administrator')
  const named = { operator, leaver, disabled, demoted, other }
  for (const [name, { proof }] of Object.entries(named)) await world.subscribe(service.browser(name), proof)
  const own = service.browser('own')
  await world.subscribe(own)
  await people.tell(leaver.proof, 'DELETE', api.access.closeSession.path)
  const user = (id: string) => `${api.users.listUsers.path}/${id}`
  await people.tell(people.admin, 'PATCH', user(disabled.userId), { disabled: true })
  await people.tell(people.admin, 'PATCH', user(demoted.userId), { role: 'viewer' })
  // The token's owner, who is the administrator, may not approve it.
  const settings = await people.tell<object>(people.admin, 'GET', api.approvals.getApprovalSettings.path)
  await people.tell(people.admin, 'PUT', api.approvals.setApprovalSettings.path, { ...settings, own_tokens: false })
  const token = await people.token(['mail:send'], [account])
  await world.ask(token.proof)
  await vi.waitFor(() => expect(service.taken.length).toBeGreaterThan(0))
  await people.tell(people.admin, 'PUT', api.approvals.setApprovalSettings.path, settings)
  // The owner is notified of the second, which proves that the first has been processed.
  await world.ask(token.proof, 'ben@there.test')
  await world.told(own, 1)
  expect(new Set(service.taken.map(({ browser }) => browser))).toEqual(new Set(['other', 'own']))
  expect(service.contentsOf(own)[0]).toMatchObject({ count: 1 })
  for (const proof of [token.proof, {}]) {
    expect((await people.ask(proof, 'GET', path)).status).toBeGreaterThanOrEqual(401)
    const answer = await people.ask(proof, 'POST', `${path}/subscriptions`, own.subscription)
    expect(['session_needed', 'unauthorized']).toContain(codeOf(answer))
  }
})

test('a service that has no time is asked again when it says; a browser that is gone is forgotten', async () => {
  const world = await startWorld()
  const { people, service, account } = world
  const [late, gone, stays] = ['late', 'gone', 'stays'].map(name => service.browser(name)) as [
    StandInBrowser,
    StandInBrowser,
    StandInBrowser,
  ]
  service.answers.set('late', [refuse(429, { 'retry-after': '1' }), refuse(503, { 'retry-after': '1' })])
  service.answers.set('gone', [refuse(410)])
  for (const browser of [late, gone, stays]) await world.subscribe(browser)
  const token = await people.token(['mail:send'], [account])
  await world.ask(token.proof)
  await world.told(stays, 1)
  await world.told(late, 1)
  expect((await world.list()).items.map(({ fingerprint }) => fingerprint).sort()).toEqual(
    [late, stays].map(fingerprintOf).sort(),
  )
})

test('killed before a push service took it, the server pushes it after its next start', async () => {
  const service = await startPushStandIn()
  const dir = tempDir('push')
  onTestFinished(() => dir.remove())
  const environment = { RUSTYMAIL_PUSH_SERVICES: service.host, NODE_EXTRA_CA_CERTS: service.certFile }
  const options = { environment, dataDir: `${dir.path}/data` }
  const first = await startRustyMail(options)
  const person = async (url: string): Promise<Proof> => ({ cookie: await enter(url), origin: url })
  const ask = async (url: string, proof: Proof, method: string, where: string, body?: object) => {
    const headers = { ...proof, ...(body && { 'content-type': 'application/json' }) }
    const answer = await fetch(url + where, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${where} answered ${answer.status}: ${text}`)
    return JSON.parse(text)
  }
  const proof = await person(first.url)
  const imap = { ...smtp, host: '127.0.0.1' }
  const account = await ask(first.url, proof, 'POST', `${api.accounts.createAccount.path}?verify=false`, {
    ...{ name: 'Support', email: 'support@example.org', imap, smtp },
  })
  const { token } = await ask(first.url, proof, 'POST', api.tokens.createToken.path, {
    ...{ name: 'Agent', scopes: ['mail:send'], accounts: [account.id] },
  })
  service.publicKey = (await ask(first.url, proof, 'GET', path)).public_key
  const phone = service.browser('phone')
  await ask(first.url, proof, 'POST', `${path}/subscriptions`, phone.subscription)
  service.answers.set('phone', [() => undefined])
  const agent = { authorization: `Bearer ${token}` }
  const drafts = `/api/v1/accounts/${account.id}/drafts`
  const draft = await ask(first.url, agent, 'POST', drafts, {
    ...{ mode: 'new', to: ['anne@there.test'], subject: 'x', body: { format: 'markdown', content: 'x' } },
  })
  await ask(first.url, agent, 'POST', `${drafts}/${draft.id}/send`, { rev: draft.rev })
  await vi.waitFor(() => expect(service.open.size).toBe(1))
  await first.stop('SIGKILL')
  const second = await startRustyMail(options)
  await vi.waitFor(() => expect(service.contentsOf(phone)).toMatchObject([{ count: 1, asks: 'Agent' }]))
  // The key is unchanged, since the browser knows no other.
  expect((await ask(second.url, await person(second.url), 'GET', path)).public_key).toBe(service.publicKey)
  expect(service.faults).toEqual([])
})
