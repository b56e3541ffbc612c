/**
 * The last log lines over HTTP: for administrators of all accounts, correlated by request, and without any mail
 * content.
 */
import { expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { LogLine } from '../../contract/logs.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { startApp } from '../support/people.ts'
import { untilIndexed } from '../support/until-indexed.ts'

interface Listed {
  items: LogLine[]
  newest: string
  is_complete: boolean
}

const base = api.logs.listLogs.path
const file = '/api/dashboard/logs/export'

const started = async () => {
  const written: string[] = []
  const gateway = new MemoryGateway()
  const running = await startApp({
    environment: { RUSTYMAIL_LOG_LEVEL: 'trace' },
    overrides: { gateway, logger: undefined, logOutput: { write: line => void written.push(line) } },
  })
  const list = (query = '') => running.people.tell<Listed>(running.people.admin, 'GET', `${base}?limit=500${query}`)
  return { ...running, gateway, written, list }
}

test('what is written is what is shown, and only to administrators of all accounts', async () => {
  const { people, list, written } = await started()
  const wrong = await people.ask({}, 'POST', api.access.openSession.path, { email: 'a@b.test', password: 'canary-pw' })
  expect(wrong.status).toBe(401)
  const { items, newest } = await list()
  expect(items.map(({ message }) => message)).toContain('a sign-in failed')
  expect(items.length).toBe(written.length)
  expect((await list(`&after=${newest}`)).is_complete).toBe(true)
  expect((await list('&level=fatal')).items).toEqual([])
  const [opened] = (await list('&q=session+opened')).items
  expect(opened).toMatchObject({ level: 'info', message: 'a session was opened' })

  const { status, headers, text } = await people.ask(people.admin, 'GET', `${file}?level=info`)
  expect([status, headers.get('content-type')]).toEqual([200, 'application/jsonl; charset=utf-8'])
  expect(headers.get('content-disposition')).toMatch(/^attachment; filename="rustymail-log-[\dT-]+\.ndjson"$/)
  expect(
    text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line).message),
  ).toContain('a sign-in failed')

  const some = await people.invite('administrator', [])
  const viewer = await people.invite('viewer')
  const token = await people.token(['dashboard:admin'])
  for (const path of [base, file]) {
    // An administrator sees all accounts, whatever list is requested.
    expect((await people.ask(some.proof, 'GET', path)).status).toBe(200)
    expect((await people.ask(viewer.proof, 'GET', path)).text).toContain('"missing_scope":"dashboard:admin"')
    // The token's list of accounts is limited.
    expect((await people.ask(token.proof, 'GET', path)).text).toContain('beyond_own_rights')
    expect((await people.ask({}, 'GET', path)).status).toBe(401)
  }
})

test('the id of a request leads to its lines, and nothing of mail is in any', async () => {
  const { people, list, app, gateway, written } = await started()
  const [subject, text, sender] = ['canary subject', 'canary body', 'canary-sender']
  gateway.deliver({ subject, text, from: [{ name: sender, email: `${sender}@example.org` }] })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const wanted = { name: 'Ann', email: 'ann@example.org', imap }
  const path = `${api.accounts.createAccount.path}?verify=false`
  const { id } = await people.tell<Account>(people.admin, 'POST', path, wanted)
  await untilIndexed(people, id, 1)
  const messages = `/api/v1/accounts/${id}/messages`
  type Messages = { items: [{ ref: string }] }
  const { items } = await people.tell<Messages>(people.admin, 'GET', `${messages}?folder=INBOX`)
  await people.tell(people.admin, 'GET', `${messages}/${items[0].ref}`)
  // A bug whose error carries a subject.
  const { options } = app.http
  const { shown } = options
  options.shown = () => {
    options.shown = shown!
    throw Object.assign(new Error('broken'), { in_hand: { subject, text }, response: `${sender} said ${text}` })
  }
  const { status, text: answer } = await people.ask(people.admin, 'GET', api.metrics.getStats.path)
  expect(status).toBe(500)
  const { instance } = JSON.parse(answer) as { instance: string }
  const found = await list(`&request_id=${instance}`)
  expect(found.items).toMatchObject([
    { level: 'error', message: 'a bug', request_id: instance, error: { message: 'broken' } },
  ])
  const all = JSON.stringify(await list()) + written.join('')
  for (const word of ['canary']) expect(all).not.toContain(word)
})
