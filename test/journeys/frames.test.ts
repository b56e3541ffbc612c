/**
 * Documents for the page's sandboxed frames: callers that may not see the message, or name another state of it, get
 * nothing.
 */
import { beforeAll, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { Submission } from '../../contract/submission.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type People, type Proof, runApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

let people: People
const frames: Record<string, { path: string; other: string; wrong: [path: string, status: number, code: string][] }> =
  {}
const callers: Record<string, Proof> = {}

beforeAll(async () => {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  const gateway = new MemoryGateway()
  const { people: all, stop } = await runApp({ overrides: { gateway }, environment: { RUSTYMAIL_INDEX: 'off' } })
  people = all
  gateway.deliver({ subject: 'Hello', html: '<p>The words of the message</p>' })
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const connect = async (user: string) => {
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user, password: 'secret' }
    const path = `${api.accounts.createAccount.path}?verify=false`
    const wanted = { name: user, email: `${user}@example.org`, imap, smtp }
    return (await people.tell<Account>(people.admin, 'POST', path, wanted)).id
  }
  const [account, elsewhere] = [await connect('ann'), await connect('bob')]
  const writer = await people.token(['mail:send', 'mail:read'], [account])
  const at = `/api/v1/accounts/${account}`
  const body = { format: 'html', content: '<p>The words of the message</p>' }
  const write = () =>
    people.tell<Draft>(writer.proof, 'POST', `${at}/drafts`, { to: ['a@there.test'], subject: 'x', body })
  const draft = await write()
  const { id, rev } = await write()
  const held = await people.tell<Submission>(writer.proof, 'POST', `${at}/drafts/${id}/send`, { rev })
  expect(held.state).toBe('held')
  const list = await people.tell<{ items: [{ ref: string }] }>(people.admin, 'GET', `${at}/messages?folder=INBOX`)
  const message = `${at}/messages/${list.items[0].ref}/html`
  const written = `${at}/drafts/${draft.id}/html`
  const submitted = `/api/v1/outbox/${held.id}/html`
  frames.draft = {
    path: `${written}?rev=1`,
    other: `/api/v1/accounts/${elsewhere}/drafts/${draft.id}/html?rev=1`,
    wrong: [
      [`${written}?rev=2`, 409, 'draft_changed'],
      [written, 400, 'bad_request'],
      [`${written}?rev=x`, 400, 'bad_request'],
      [`${written}?rev=1&hash=x`, 400, 'bad_request'],
    ],
  }
  frames.submission = {
    path: `${submitted}?hash=${held.hash}`,
    other: `/api/v1/outbox/s${'0'.repeat(16)}/html?hash=${held.hash}`,
    wrong: [
      [`${submitted}?hash=${'0'.repeat(64)}`, 409, 'approval_void'],
      [submitted, 400, 'bad_request'],
      [`${submitted}?hash=x`, 400, 'bad_request'],
    ],
  }
  frames.message = {
    path: message,
    other: message.replace(account, elsewhere),
    wrong: [
      [`${message}?remote=maybe`, 400, 'bad_request'],
      [message.replace(/[\w-]{8}\/html$/, 'AAAAAAAA/html'), 404, 'message_not_found'],
    ],
  }
  callers.writer = writer.proof
  callers.nobody = {}
  callers.stranger = { authorization: 'Bearer rm_wrong' }
  callers['without a scope'] = (await people.token(['dashboard:read'])).proof
  callers['with names of mail alone'] = (await people.token(['mail:meta'], [account])).proof
  callers['of another account'] = (await people.token(['mail:send', 'mail:read'], [elsewhere])).proof
  callers['of no account'] = (await people.token(['mail:send', 'mail:read'])).proof
  callers.user = (await people.invite('operator', [elsewhere])).proof
  return async () => {
    await stop()
    await sink.stop()
  }
})

const words = 'The words of the message'
const frameHead = () => ({ 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' })

test.each(['draft', 'submission', 'message'])('the frame of a %s', async name => {
  const { path, other, wrong } = frames[name]!
  const ask = (proof: Proof, at = path) => people.ask(proof, 'GET', at)
  const good = await ask(callers.writer!)
  expect([good.status, good.headers.get('content-type'), good.headers.get('cache-control')]).toEqual([
    200,
    'text/html; charset=utf-8',
    expect.stringContaining('no-store'),
  ])
  expect(good.text).toContain(words)
  expect(good.headers.get('content-security-policy')).toMatch(/sandbox/)
  const expected: [string, number][] = [
    ['nobody', 401],
    ['stranger', 401],
    ['without a scope', 403],
    ['with names of mail alone', 403],
    ['of another account', 404],
    ['of no account', 404],
  ]
  for (const [caller, status] of expected) {
    const { status: found, text } = await ask(callers[caller]!)
    expect([caller, found, text.includes(words)]).toEqual([caller, status, false])
  }
  // Through another account, and for a user who does not see this one.
  for (const proof of [callers.writer!, callers['of another account']!])
    expect((await ask(proof, other)).status).toBe(404)
  const user = await ask({ ...callers.user!, ...frameHead() })
  expect([user.status, user.text.includes(words)]).toEqual([user.status === 403 ? 403 : 404, false])
  for (const [at, status, code] of wrong) {
    const answer = await ask(callers.writer!, at)
    expect([at, answer.status, (JSON.parse(answer.text) as { code: string }).code]).toEqual([at, status, code])
  }
  // A session may load it in a frame of our own page, and in no window.
  const framed = await ask({ ...people.admin, ...frameHead() })
  expect([framed.status, framed.text.includes(words)]).toEqual([200, true])
  for (const head of [
    { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' },
  ]) {
    const { status, text } = await ask({ cookie: people.admin.cookie!, ...head })
    expect([head, status, (JSON.parse(text) as { code: string }).code]).toEqual([head, 403, 'frame_only'])
  }
})
