/** Writing mail over REST and MCP on a real mail server: the outgoing bytes are right, drafts are private. */
import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Draft, MessageContent } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { patience } from '../support/patience.ts'
import { type People, type Proof, startApp } from '../support/people.ts'
import { available } from '../support/require.ts'

const file = randomBytes(400_000)
const letter = `From: Bob <bob@test.local>\r
To: alice@test.local, Carol <carol@test.local>\r
Cc: dora@test.local, alice+shop@test.local\r
Reply-To: Bob at home <bob@home.local>\r
Subject: AW: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r
Message-ID: <3@test.local>\r
In-Reply-To: <2@test.local>\r
References: <1@test.local> <2@test.local>\r
Date: Sun, 22 Nov 2026 18:14:03 +0000\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<p>At <b>noon</b>?<script>x()</script><img src="https://tracker.example/t.gif"></p>\r
--b\r
Content-Type: application/pdf; name="plan.pdf"\r
Content-Disposition: attachment; filename="plan.pdf"\r
Content-Transfer-Encoding: base64\r
\r
${file.toString('base64').replaceAll(/.{76}/g, '$&\r\n')}\r
--b--\r
`

const fill = (path: string, ...values: string[]) =>
  values.reduce((filled, value) => filled.replace(/\{\w+\}/, value), path)
const drafts = api.drafts

async function upload(people: People, proof: Proof, account: string, draft: { id: string; rev: number }, body: Buffer) {
  const path = `${fill(drafts.getDraft.path, account, draft.id)}/attachments?rev=${draft.rev}&name=a%20b.bin`
  const headers = { ...proof, 'content-type': 'application/x-thing' }
  const answer = await fetch(people.url + path, { method: 'POST', headers, body: new Uint8Array(body) })
  return { status: answer.status, body: (await answer.json()) as Draft & { code?: string } }
}

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot

  beforeAll(async () => {
    dovecot = await startDovecot()
    return () => dovecot.stop()
  })

  test('a reply, a forward and a draft of one’s own are right, and have a copy in the mailbox', async () => {
    await dovecot.appendMessage('alice@test.local', letter)
    const { people } = await startApp()
    const imap = {
      host: '127.0.0.1',
      port: dovecot.imapsPort,
      tls: 'implicit',
      user: 'alice@test.local',
      password: 'pw-alice',
    }
    const { id: account } = await people.tell<{ id: string }>(people.admin, 'POST', api.accounts.createAccount.path, {
      ...{ email: 'alice@test.local', imap },
    })
    const agent = await people.token(['mail:draft'], [account])
    const list = `${fill(api.mail.listMessages.path, account)}?folder=INBOX`
    const { items } = await people.tell<{ items: { ref: string }[] }>(agent.proof, 'GET', list)
    const { ref } = items[0]!
    const create = (body: object) =>
      people.tell<Draft>(agent.proof, 'POST', fill(drafts.createDraft.path, account), body)
    const preview = (id: string) =>
      people.tell<MessageContent>(agent.proof, 'GET', fill(drafts.previewDraft.path, account, id))

    const reply = await create({
      mode: 'reply_all',
      message: ref,
      body: { format: 'markdown', content: 'Yes, **noon**.' },
    })
    expect(reply).toMatchObject({
      to: [{ email: 'bob@home.local' }, { email: 'carol@test.local' }],
      cc: [{ email: 'dora@test.local' }],
      subject: 'Re: Grüße',
      in_reply_to: '<3@test.local>',
      message: { ref },
    })
    const shown = await preview(reply.id)
    const field = (name: string) => shown.headers.find(each => each.name === name)?.value
    expect(field('In-Reply-To')).toBe('<3@test.local>')
    expect(field('References')).toBe('<1@test.local> <2@test.local> <3@test.local>')
    expect(shown.text).toMatch(
      /^Yes, \*\*noon\*\*\.\n\nOn Sun, 22 Nov 2026 18:14 UTC, Bob <bob@test\.local> wrote:\n> At noon\?\n$/,
    )
    expect(shown.html).toContain('<blockquote')
    const raw = await people.ask(agent.proof, 'GET', `${fill(drafts.getDraft.path, account, reply.id)}/raw`)
    expect(createHash('sha256').update(raw.text).digest('hex')).toBe(shown.sha256)
    expect(raw.text).not.toMatch(/tracker|script/)

    const forward = await create({ mode: 'forward', message: ref, to: ['eve@test.local'] })
    expect(forward).toMatchObject({
      ...{ subject: 'Fwd: AW: Re: Grüße', in_reply_to: null },
      attachments: [{ name: 'plan.pdf', type: 'application/pdf', size_bytes: file.length }],
    })
    expect(forward.attachments[0]!.sha256).toBe(createHash('sha256').update(file).digest('hex'))
    expect((await preview(forward.id)).text).toContain(
      '---------- Forwarded message ----------\nFrom: Bob <bob@test.local>',
    )

    const client = await connectMcp(people.url, agent.proof)
    const { value: written } = await callTool(client, 'mail_draft', {
      ...{ to: ['Bob <bob@test.local>'], subject: 'Plan', body: 'Attached.', attach: [`${account}.${ref}#2`] },
    })
    expect(written).toMatchObject({
      rev: 1,
      to: ['bob@test.local'],
      draft: expect.any(String),
      review_url: expect.any(String),
    })
    const id = String(written.draft).split('.')[1]!
    const uploaded = await upload(people, agent.proof, account, { id, rev: 1 }, file)
    expect([uploaded.status, uploaded.body.attachments.map(each => [each.name, each.size_bytes])]).toEqual([
      201,
      [
        ['plan.pdf', file.length],
        ['a b.bin', file.length],
      ],
    ])
    const get = (draftId: string) =>
      people.tell<Draft>(agent.proof, 'GET', fill(drafts.getDraft.path, account, draftId))
    await expect.poll(async () => (await get(id)).saved.state, { timeout: patience }).toBe('saved')
    const { saved } = await get(id)
    const copy = await people.tell<{ subject: string; flags: string[]; attachments: unknown[] }>(
      ...([agent.proof, 'GET', fill(api.mail.getMessage.path, account, saved.ref!)] as const),
    )
    expect(copy).toMatchObject({ subject: 'Plan', flags: expect.arrayContaining(['draft']) })
    expect(copy.attachments.length).toBe(2)
    await people.tell(agent.proof, 'DELETE', fill(drafts.discardDraft.path, account, id))
    const inDrafts = async () => {
      const path = `${fill(api.mail.listMessages.path, account)}?folder=${encodeURIComponent(saved.folder!)}`
      return (await people.tell<{ items: { subject: string }[] }>(agent.proof, 'GET', path)).items.map(
        each => each.subject,
      )
    }
    await expect.poll(inDrafts, { timeout: patience }).not.toContain('Plan')
  })
})

test('drafts are for callers with the scope and the account, and a token’s own', async () => {
  const { people } = await startApp({ overrides: { gateway: new MemoryGateway() } })
  const connect = async (user: string) => {
    const imap = { host: '127.0.0.1', port: 143, tls: 'none', user, password: 'secret' }
    const body = { email: `${user}@example.org`, imap }
    return (await people.tell<{ id: string }>(people.admin, 'POST', api.accounts.createAccount.path, body)).id
  }
  const [own, other] = [await connect('ann'), await connect('eve')]
  const writer = await people.token(['mail:draft'], [own])
  const path = fill(drafts.createDraft.path, own)
  const draft = await people.tell<Draft>(writer.proof, 'POST', path, { mode: 'new', subject: 's' })
  const one = fill(drafts.getDraft.path, own, draft.id)
  const strangers: [string, Proof, number][] = [
    ['no scope', (await people.token(['mail:organize'], [own])).proof, 403],
    ['another account', (await people.token(['mail:draft'], [other])).proof, 404],
    ['another token', (await people.token(['mail:draft'], [own])).proof, 404],
    ['nobody', {}, 401],
  ]
  for (const [who, proof, status] of strangers) {
    for (const [method, url, body] of [
      ['GET', one],
      ['GET', `${one}/preview`],
      ['GET', `${one}/raw`],
      ['GET', `${one}/attachments/x`],
      ['PATCH', one, { rev: 1, subject: 'x' }],
      ['DELETE', one],
      ['DELETE', `${one}/attachments/x?rev=1`],
      ['POST', `${one}/attachments/from-message`, { rev: 1, message: 'x', attachment_id: '1' }],
    ] as const) {
      expect([who, method, url, (await people.ask(proof, method, url, body)).status]).toEqual([
        who,
        method,
        url,
        status,
      ])
    }
    const { status: refused } = await upload(people, proof, own, draft, Buffer.from('x'))
    expect([who, 'upload', refused]).toEqual([who, 'upload', status])
  }
  // Through the account that the token may see.
  const foreign = await people.token(['mail:draft'], [other])
  const crossed = await people.ask(foreign.proof, 'GET', fill(drafts.getDraft.path, other, draft.id))
  expect(crossed.status).toBe(404)
  expect((await people.tell<Draft>(people.admin, 'GET', one)).id).toBe(draft.id)
  const signature = fill(drafts.setSignature.path, own)
  expect((await people.ask(writer.proof, 'PUT', signature, { content: 'Buy now' })).status).toBe(403)
  expect((await people.ask(people.admin, 'PUT', signature, { content: 'Ann' })).status).toBe(200)
})

test('an upload that is too large, stale or broken off leaves the draft as it was', async () => {
  const { people } = await startApp({ overrides: { gateway: new MemoryGateway() } })
  const imap = { host: '127.0.0.1', port: 143, tls: 'none', user: 'ann', password: 'secret' }
  const body = { email: 'ann@example.org', imap }
  const { id: account } = await people.tell<{ id: string }>(people.admin, 'POST', api.accounts.createAccount.path, body)
  const { proof } = await people.token(['mail:draft'], [account])
  const draft = await people.tell<Draft>(proof, 'POST', fill(drafts.createDraft.path, account), { mode: 'new' })
  const one = fill(drafts.getDraft.path, account, draft.id)
  const whole = await upload(people, proof, account, draft, Buffer.alloc(20 * 1024 * 1024))
  expect([whole.status, whole.body.rev]).toEqual([201, 2])
  const more = await upload(people, proof, account, whole.body, Buffer.alloc(11 * 1024 * 1024))
  expect([more.status, more.body.code]).toEqual([413, 'too_large'])
  const stale = await upload(people, proof, account, draft, Buffer.from('x'))
  expect([stale.status, stale.body.code]).toEqual([409, 'draft_changed'])
  const unnamed = await fetch(`${people.url}${one}/attachments?rev=2`, { method: 'POST', headers: proof, body: 'x' })
  expect([unnamed.status, ((await unnamed.json()) as { errors: unknown }).errors]).toEqual([
    400,
    [expect.objectContaining({ path: 'query.name' })],
  ])
  const now = await people.tell<Draft>(proof, 'GET', one)
  expect([now.rev, now.attachments.map(each => each.size_bytes)]).toEqual([2, [20 * 1024 * 1024]])
  const download = await fetch(`${people.url}${one}/attachments/${now.attachments[0]!.id}`, { headers: proof })
  expect([(await download.arrayBuffer()).byteLength, download.headers.get('content-type')]).toEqual([
    20 * 1024 * 1024,
    'application/octet-stream',
  ])
})
