/** Limits of mail servers are learned when connecting, shown, and enforced before anything too large leaves. */
import { expect, onTestFinished, test } from 'vitest'
import type { AccountServers } from '../../contract/account-server.ts'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { draftUploadPath } from '../../contract/drafts.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type People, startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

async function upload({ url, admin }: People, { account_id, id, rev }: Draft, bytes: number) {
  const path = draftUploadPath.replace('{account_id}', account_id).replace('{draft_id}', id)
  const answer = await fetch(`${url}${path}?rev=${rev}&name=film.mp4`, {
    method: 'POST',
    headers: { ...admin, 'content-type': 'video/mp4' },
    body: Buffer.alloc(bytes),
  })
  return { status: answer.status, body: (await answer.json()) as { detail: string; rev: number } }
}

test('capabilities and limits are known from the trial of a new account on, and what is too large is refused before it leaves', async () => {
  const sink = new SmtpSink({ password: 'secret', extensions: ['SIZE 40000', '8BITMIME', 'AUTH PLAIN'] })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const gateway = new MemoryGateway()
  gateway.offers = ['IDLE', 'QUOTA', 'MOVE', 'APPENDLIMIT=35651584']
  const { people } = await startApp({ overrides: { gateway } })
  const { admin } = people
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const { id } = await people.tell<Account>(admin, 'POST', api.accounts.createAccount.path, {
    ...{ email: 'ann@example.org', imap, smtp },
  })
  const path = api.accountServer.getServers.path.replace('{account_id}', id)
  const servers = () => people.tell<AccountServers>(admin, 'GET', path)
  await expect.poll(async () => (await servers()).smtp?.size_limit_bytes).toBe(40_000)
  await expect.poll(async () => (await servers()).imap?.append_limit_bytes).toBe(35_651_584)
  expect(await servers()).toMatchObject({
    imap: { capabilities: { idle: true, move: true, quota: true, uidplus: false }, connection_limit: null },
    smtp: { capabilities: { size: true, eight_bit_mime: true, smtputf8: false } },
  })
  const drafts = `/api/v1/accounts/${id}/drafts`
  const write = (content: string) =>
    people.tell<Draft>(admin, 'POST', drafts, {
      ...{ to: ['anne@there.test'], subject: 'Film', body: { format: 'text', content } },
    })
  const draft = await write('As promised')
  const refused = await upload(people, draft, 20_000)
  expect(refused).toMatchObject({ status: 413, body: { code: 'too_large', part: 'smtp' } })
  expect(refused.body.detail).toContain('40000 bytes')
  expect((await upload(people, draft, 10_000)).status).toBe(201)
  const long = await write('word '.repeat(10_000))
  for (const step of ['send', 'check']) {
    const answer = await people.ask(admin, 'POST', `${drafts}/${long.id}/${step}`, { rev: long.rev })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([413, { code: 'too_large', part: 'smtp' }])
  }
  expect(sink.commands.filter(line => line.startsWith('MAIL'))).toEqual([])
  // Callers that may not see the account learn nothing of its servers.
  const stranger = await people.token(['dashboard:read'], [])
  expect((await people.ask(stranger.proof, 'GET', path)).status).toBe(404)
})
