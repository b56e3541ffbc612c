/** The trail over HTTP: what passes the door is noted, and an administrator lists, checks and takes it home. */
import { get } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { accessApi } from '../../contract/access.ts'
import { accountsApi } from '../../contract/accounts.ts'
import { auditApi } from '../../contract/audit.ts'
import { ProblemBody } from '../../contract/problem-body.ts'
import { settingsApi } from '../../contract/settings.ts'
import { usersApi } from '../../contract/users.ts'
import { auditFact, auditSecrets, startAudit } from '../../test/support/audit.ts'
import { handle } from '../platform/http/http-server.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { verifyTrail } from './audit-command.ts'
import { HttpTrail } from './audit-entry.ts'
import { auditRoutes } from './audit-routes.ts'

const admin: Principal = {
  id: 'session-7',
  name: 'Ada',
  kind: 'session',
  userId: 'ada',
  scopes: everyScope,
  accounts: 'all',
}
const principals: Record<string, Principal> = {
  admin,
  narrow: { ...admin, id: 'token-6', kind: 'token', accounts: new Set(['a']) },
  job: { ...admin, id: 'token-5', name: 'Job', kind: 'token', scopes: scopeSet(['dashboard:operate']) },
}
const configuration = {
  server_address: 'imap.example.com',
  port: 993,
  use_ssl: true,
  connection_timeout_seconds: 30,
  max_connections: 100,
  connection_pool_size: 4,
}

async function door() {
  const { audit, store, db, record } = await startAudit()
  const logger = createLogger('silent')
  const http = createHttpServer({
    logger,
    authenticate: ({ token }) => principals[token ?? ''],
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
    trail: new HttpTrail({ audit, now: Date.now, logger }),
  })
  auditRoutes(http, audit)
  handle(http, settingsApi.updateConfig, ({ body }) => body)
  const refuse = () => Promise.reject(new Problem('too_many_attempts', 'Refused, whatever it was.'))
  handle(http, accountsApi.createAccount, refuse)
  handle(http, accessApi.openSession, refuse)
  handle(http, accessApi.getSession, refuse)
  handle(http, usersApi.changeUser, refuse)
  const made = Promise.withResolvers<void>()
  handle(http, accountsApi.deleteAccount, async call => {
    call.note({ removed: 'all' })
    call.recordAs(204)
    await made.promise
    if (call.params.account_id === 'broken') throw new Error('the answer cannot be made')
  })
  handle(http, accessApi.beginPasskeySignIn, () => ({ challenge_id: 'c', options: {} }))
  const base = await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.fastify.close())
  const send = (path: string, { as = 'admin', ...init }: RequestInit & { as?: string } = {}) => {
    const headers = new Headers({ authorization: `Bearer ${as}`, 'user-agent': 'Test/1', origin: base })
    if (init.body) headers.set('content-type', 'application/json')
    return fetch(base + path, { headers, ...init })
  }
  return { audit, store, db, record, http, base, send, logger, made }
}

const put = (body: unknown) => ({ method: 'PUT', body: JSON.stringify(body) })
const path = '/api/dashboard/audit'

test('what changes something is in the trail before its answer leaves, whatever its actor and its outcome', async () => {
  const { send, audit } = await door()
  const done = await send(
    '/api/dashboard/config?verify=false',
    put({ ...configuration, server_address: 'canary.test' }),
  )
  expect(done.status).toBe(200)
  const [entry] = (await audit.list({ limit: 1 })).items
  expect(entry).toMatchObject({
    principal_id: 'session-7',
    principal_name: 'Ada',
    user_id: 'ada',
    session_id: '7',
    token_id: null,
    ip_address: '127.0.0.1',
    user_agent: 'Test/1',
    operation: 'settings.updateConfig',
    effect: 'write',
    outcome: 'ok',
    status: 200,
    request_id: done.headers.get('x-request-id'),
  })
  expect(JSON.stringify(entry)).not.toContain('canary')
  expect((await send('/api/dashboard/config', { ...put(configuration), as: 'job' })).status).toBe(403)
  expect((await send('/api/dashboard/config', { ...put({ port: 'canary' }) })).status).toBe(400)
  expect((await send('/api/dashboard/config', { ...put(configuration), as: 'nobody' })).status).toBe(401)
  const [anonymous, faulty, refused] = (await audit.list({ limit: 3 })).items
  expect(refused).toMatchObject({ principal_id: 'token-5', token_id: '5', session_id: null, outcome: 'forbidden' })
  expect(faulty).toMatchObject({ outcome: 'bad_request', status: 400 })
  expect(anonymous).toMatchObject({ principal_id: 'anonymous', user_id: null, outcome: 'unauthorized' })
})

test('what is recorded while its long answer is made is in the trail once, as it is answered, and before it leaves', async () => {
  const { audit, send, made } = await door()
  const remove = (id: string) => send(accountsApi.deleteAccount.path.replace('{account_id}', id), { method: 'DELETE' })
  const entries = async () => (await audit.list({ limit: 5 })).items.filter(each => each.effect !== 'read')
  const [whole, broken] = [remove('whole'), remove('broken')]
  await vi.waitFor(async () => expect(await entries()).toHaveLength(2))
  made.resolve()
  expect([(await whole).status, (await broken).status]).toEqual([204, 500])
  const refs = expect.objectContaining({ removed: 'all' })
  expect(await entries()).toMatchObject([
    { outcome: 'ok', status: 204, refs },
    { outcome: 'ok', status: 204, refs },
  ])
})

test('a holder of key and trail cannot guess passwords by it: no digest depends on a secret', async () => {
  const { send, audit } = await door()
  const post = (body: unknown, as?: string) => ({ method: 'POST', body: JSON.stringify(body), ...(as ? { as } : {}) })
  const digestOf = async (endpoint: { path: string }, body: unknown, as?: string) => {
    await send(endpoint.path, post(body, as))
    return (await audit.list({ limit: 1 })).items[0]?.input_digest
  }
  const login = { host: 'imap.test', port: 993, tls: 'implicit', user: 'ann', password: 'one' }
  const account = { email: 'a@b.test', imap: login, smtp: login }
  const one = await digestOf(accountsApi.createAccount, account)
  expect(one).toMatch(/^[0-9a-f]{64}$/)
  const other = { ...login, password: 'other' }
  expect(await digestOf(accountsApi.createAccount, { ...account, imap: other, smtp: other })).toBe(one)
  expect(await digestOf(accountsApi.createAccount, { ...account, imap: { ...login, host: 'b.test' } })).not.toBe(one)
  // Under an unknown field name it would not be treated as a secret.
  expect(await digestOf(accountsApi.createAccount, { ...account, pasword: 'one' })).toBeNull()
  expect(await digestOf({ path: `${accountsApi.createAccount.path}?password=one` }, account)).toBeNull()
  expect(await digestOf(accessApi.openSession, { email: 'a@b.test', password: 'one' }, 'nobody')).toBeNull()
  expect((await audit.list({ limit: 9 })).items).toHaveLength(6)
})

test('that a page was opened is no entry; wrong credentials are one', async () => {
  const { send, audit, base } = await door()
  expect((await fetch(base + accessApi.getSession.path)).status).toBe(401)
  expect((await fetch(base + accessApi.beginPasskeySignIn.path, { method: 'POST' })).status).toBe(201)
  expect((await send(accessApi.getSession.path, { as: 'revoked' })).status).toBe(401)
  expect((await fetch(base + path)).status).toBe(401)
  await vi.waitFor(async () => expect((await audit.list({ limit: 9 })).items).toHaveLength(2))
  const noted = (await audit.list({ limit: 9 })).items.map(({ operation, outcome }) => [operation, outcome])
  expect(noted).toEqual([
    ['audit.listAudit', 'unauthorized'],
    ['access.getSession', 'unauthorized'],
  ])
})

test('the trail says which fields were to be changed, and nothing of what stood in them', async () => {
  const { send, audit } = await door()
  const change = { name: 'Canary', role: 'administrator', disabled: false }
  await send(usersApi.changeUser.path.replace('{user_id}', 'bob'), { method: 'PATCH', body: JSON.stringify(change) })
  const [entry] = (await audit.list({ limit: 1 })).items
  expect(entry?.refs).toEqual({ user_id: 'bob', fields: 'name, role, disabled' })
  expect(JSON.stringify(entry)).not.toMatch(/canary|administrator/i)
})

test('a refused read is noted as well, one that is let through is not', async () => {
  const { send, audit } = await door()
  expect((await send(path)).status).toBe(200)
  expect((await send(path, { as: 'job' })).status).toBe(403)
  await vi.waitFor(async () => expect((await audit.list({ limit: 9 })).items.length).toBe(1))
  expect((await audit.list({ limit: 9 })).items[0]).toMatchObject({
    operation: 'audit.listAudit',
    outcome: 'forbidden',
  })
})

test('the trail is listed page by page, and checked', async () => {
  const { send, record, db } = await door()
  await record(5)
  const list = async (query: string) => auditApi.listAudit.response.parse(await (await send(path + query)).json())
  const first = await list('?limit=3&operation=accounts.')
  expect(first.items.map(({ number }) => number)).toEqual([5, 4, 3])
  const next = await list(`?limit=3&cursor=${first.next_cursor}`)
  expect(next.items.map(({ number }) => number)).toEqual([2, 1])
  expect(next.next_cursor).toBeNull()
  const check = async () =>
    auditApi.verifyAudit.response.parse(await (await send(`${path}/verify`, { method: 'POST' })).json())
  expect(await check()).toEqual({
    is_whole: true,
    entries: 5,
    oldest: 1,
    newest: 5,
    begun_at: expect.any(String),
    fault: null,
  })
  await db.updateTable('audit_entries').set({ refs: 'not JSON', user_id: 'eve' }).where('number', '=', 2).execute()
  expect((await check()).fault).toMatchObject({ number: 2, kind: 'changed' })
  expect((await list('?limit=9')).items.length).toBe(5)
  expect((await send(`${path}?cursor=x`)).status).toBe(400)
  expect((await send(`${path}?cursor=1000`)).status).toBe(409)
})

test('a token that sees some accounts is told of what concerns no others', async () => {
  const { send, record } = await door()
  for (const accountId of ['a', 'hidden', null]) await record(2, { accountId })
  const listed = await send(`${path}?operation=accounts.`, { as: 'narrow' })
  const { items } = auditApi.listAudit.response.parse(await listed.json())
  expect(items.map(({ account_id }) => account_id)).toEqual([null, null, 'a', 'a'])
  expect(await (await send(`${path}?account_id=hidden`, { as: 'narrow' })).json()).toMatchObject({ items: [] })
  for (const format of ['csv', 'jsonl']) {
    const exported = await (await send(`${path}/export?format=${format}`, { as: 'narrow' })).text()
    expect([exported.includes('hidden'), exported.includes('accounts.')]).toEqual([false, true])
  }
})

test('settings are changed, and the trail shows to what', async () => {
  const { send, audit } = await door()
  const settings = { reads: 'none', keep_days: 30, keep_entries: 5_000 }
  expect(await (await send(`${path}/settings`)).json()).toEqual({
    reads: 'mail',
    keep_days: 365,
    keep_entries: 1_000_000,
  })
  expect(await (await send(`${path}/settings`, put(settings))).json()).toEqual(settings)
  expect(await (await send(`${path}/settings`)).json()).toEqual(settings)
  expect((await audit.list({ limit: 1 })).items[0]?.refs).toEqual({
    reads: 'none',
    keep_days: '30',
    keep_entries: '5000',
  })
  expect((await send(`${path}/settings`, put({ ...settings, keep_days: 0 }))).status).toBe(400)
})

test('the trail is exported with its filters, to administrators', async () => {
  const { send, audit, record } = await door()
  await record(2)
  await audit.record(auditFact({ operation: 'users.deleteUser', userAgent: '=cmd()' }))
  const csv = await send(`${path}/export?format=csv&operation=users.`)
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
  expect(csv.headers.get('content-disposition')).toMatch(/^attachment; filename="rustymail-audit-[-\d]{10}\.csv"$/)
  expect(csv.headers.get('cache-control')).toBe('no-store')
  expect((await csv.text()).split('\r\n')[1]).toMatch(/^3,.*,'=cmd\(\),users\.deleteUser,/)
  const lines = await send(`${path}/export?format=jsonl`)
  expect(lines.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
  expect((await lines.text()).split('\n').length).toBe(4)
  expect((await send(`${path}/export?format=csv`, { method: 'HEAD' })).status).toBe(200)
  expect((await send(`${path}/export?format=csv`, { as: 'job' })).status).toBe(403)
  for (const query of ['', '?format=xml', '?format=csv&surprise=1', '?format=csv&from=yesterday'])
    expect((await send(`${path}/export${query}`)).status).toBe(400)
})

test('an export that cannot begin is answered as a fault, and one that breaks off later is logged and noted as one', async () => {
  const { send, store, audit, record, logger } = await door()
  const read = store.search.bind(store)
  const [errors, search] = [vi.spyOn(logger, 'error'), vi.spyOn(store, 'search')]
  await record(600)
  const fault = new Error('no such luck')
  search.mockRejectedValueOnce(fault)
  const refused = await send(`${path}/export?format=csv`)
  expect(ProblemBody.parse(await refused.json())).toMatchObject({ status: 500, code: 'internal' })
  search.mockImplementationOnce((...asked) => read(...asked)).mockRejectedValueOnce(fault)
  const cut = await send(`${path}/export?format=csv`)
  expect(cut.status).toBe(200)
  await expect(cut.text()).rejects.toThrow('terminated')
  const ids = [refused, cut].map(answer => answer.headers.get('x-request-id'))
  expect(errors.mock.calls.map(([what]) => what)).toMatchObject(ids.map(request_id => ({ request_id, err: fault })))
  search.mockRestore()
  await vi.waitFor(async () => {
    const { items } = await audit.list({ limit: 9, operation: 'audit.exportAudit' })
    const noted = items.map(({ request_id, outcome, status }) => [request_id, outcome, status])
    expect(noted).toEqual([
      [ids[1], 'internal', 200],
      [ids[0], 'internal', 500],
    ])
  })
})

test('a client that goes away in the middle of an export ends the reading', async () => {
  const { http, base, store, record } = await door()
  await record(11_000)
  await record(11_000)
  const search = vi.spyOn(store, 'search')
  const headers = { authorization: 'Bearer admin' }
  const gone = Promise.withResolvers<void>()
  get(`${base}${path}/export?format=jsonl`, { headers }, answer => {
    answer.once('data', () => gone.resolve(void answer.destroy()))
  })
  await gone.promise
  await http.whenIdle()
  expect(search.mock.calls.length).toBeGreaterThan(0)
  expect(search.mock.calls.length).toBeLessThan(40)
})

test('an export that is not read blocks no other caller: it is read a piece at a time', async () => {
  const { audit, store, record } = await startAudit()
  await record(2_000)
  const search = vi.spyOn(store, 'search')
  const pieces = audit.export({}, 'jsonl')
  expect((await pieces.next()).value?.split('\n').length).toBe(501)
  expect(search.mock.calls.length).toBe(1)
  await pieces.return(undefined)
})

test('while the trail cannot be written nothing is changed, and reading goes on', async () => {
  const { send, store, audit, db } = await door()
  const transact = store.transact.bind(store)
  store.transact = async () => Promise.reject(new Error('connection refused'))
  const held = send('/api/dashboard/config', put(configuration))
  await vi.waitFor(() => expect(audit.isFull).toBe(true))
  const refused = await send('/api/dashboard/config', put(configuration))
  expect(ProblemBody.parse(await refused.json())).toMatchObject({ status: 503, code: 'overloaded' })
  expect((await send(path)).status).toBe(200)
  // It was done before that was known.
  expect((await held).status).toBe(200)
  store.transact = transact
  await vi.waitFor(() => expect(audit.isFull).toBe(false))
  expect((await send('/api/dashboard/config', put(configuration))).status).toBe(200)
  expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: true, entries: 2 })
})
