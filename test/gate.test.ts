/** The gate: on every route, each caller is let in, or refused for the reason that the declared scope gives. */
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { draftBounds } from '../contract/draft.ts'
import { bodyLimitOf, bodyLimits, type Endpoint, endpoint } from '../contract/endpoint.ts'
import { api, operationName } from '../contract/index.ts'
import { maxMcpBody, mcpPath } from '../contract/mcp.ts'
import { type Scope, scopes, unusedScopes } from '../contract/scope.ts'
import {
  apiKey,
  bodyOf,
  callerNames,
  type Declared,
  environment,
  expectedOf,
  gateCallers,
  isDeclared,
  pathOf,
  type Route,
  verdictOf,
} from './support/gate-callers.ts'
import { type People, type Proof, runApp } from './support/people.ts'
import { headOf, openRaw } from './support/raw-http.ts'

/** These end the session that calls them. */
const leaving = ['access.closeSession', 'access.endAllSessions']

let people: People
let routes: Route[]
let callers: Awaited<ReturnType<typeof gateCallers>>

beforeAll(async () => {
  const { app, people: all, stop } = await runApp({ environment })
  people = all
  routes = app.http.routes
  callers = await gateCallers(people)
  return stop
})

const endpoints = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])
const declared = (): Declared[] => routes.filter(isDeclared)

test('only what takes something away is let in while the audit trail cannot be written', () => {
  const revocations = Object.values(api).flatMap(group =>
    Object.values(group).filter((one: Endpoint) => one.isRevocation !== undefined),
  )
  expect(revocations.map(operationName).sort()).toEqual([
    'access.closeSession',
    'access.endAllSessions',
    'access.endSession',
    'freezes.freeze',
    'tokens.revokeToken',
    'users.changeUser',
    'users.deleteUser',
    'webhooks.deleteWebhook',
  ])
  const bodies = [{ disabled: true }, { disabled: false }, {}, { role: 'administrator' as const }]
  expect(bodies.map(body => api.users.changeUser.isRevocation?.(body))).toEqual([true, false, false, false])
})

test('every endpoint of the contract is served under the scope that it declares', () => {
  const served = new Map(declared().map(({ method, path, operation }) => [`${method} ${path}`, operation]))
  for (const one of endpoints) {
    const path = one.path.replaceAll(/\{(\w+)\}/g, ':$1')
    const mayRevoke = one.isRevocation !== undefined
    const { scope, effect, callers } = one
    const operation = { name: operationName(one), scope, effect, mayRevoke, ...(callers && { callers }) }
    expect(served.get(`${one.method} ${path}`)).toEqual(operation)
    expect(['public', 'signed_in', ...scopes]).toContain(one.scope)
  }
})

/** Served outside the contract, since their responses are not JSON. */
const others: Record<string, string> = {
  beginOidcSignIn: 'public',
  ...{ finishOidcSignIn: 'public', finishMailSignIn: 'public' },
  docs: 'signed_in',
  'drafts.uploadAttachment': 'mail:draft',
  'drafts.getAttachment': 'mail:draft',
  'drafts.getRaw': 'mail:draft',
  'drafts.getHtml': 'mail:draft',
  'outbox.getSubmissionHtml': 'mail:draft',
  'mail.getMessageHtml': 'mail:read',
  'mail.getAttachment': 'mail:read',
  'mail.getMessagePart': 'mail:read',
  'mail.getMessageRaw': 'mail:read',
  'mail.getAttachmentsZip': 'mail:read',
  ...{ 'mcp.exchange': 'signed_in', 'mcp.openSse': 'signed_in', 'mcp.postSse': 'signed_in' },
  'metrics.prometheus': 'dashboard:read',
  'audit.exportAudit': 'dashboard:admin',
  'logs.exportLogs': 'dashboard:admin',
}

test('what is served beside the contract is known, and so is its scope', () => {
  const known = new Set(endpoints.map(operationName))
  const beside = declared().filter(({ operation: { name, isForPrograms } }) => !known.has(name) && !isForPrograms)
  const found = beside.map(({ operation: { name, scope } }) => [name, scope])
  expect(Object.fromEntries(found)).toEqual(others)
})

test('what declares no scope does not compile', () => {
  const whole = { method: 'GET', path: '/x', tag: 'x', summary: 'x', effect: 'read', response: z.undefined() } as const
  // @ts-expect-error: no scope
  expect(endpoint(whole)).not.toHaveProperty('scope')
  // @ts-expect-error: no such scope
  expect(endpoint({ ...whole, scope: 'mail:everything' }).scope).toBe('mail:everything')
})

test('beside them only files that anyone may have, and pages that ask for themselves, are served', async () => {
  const undeclared = routes.filter(route => !isDeclared(route)).map(({ path }) => path)
  expect(undeclared.filter(path => !/^\/docs(\/|$)|^\/(\*|index\.html|assets\/\*)?$/.test(path))).toEqual([])
  const documented = undeclared.filter(path => path.startsWith('/docs'))
  expect([...new Set(documented)].sort()).toEqual(['/docs', '/docs/*'])
  for (const path of ['/docs', '/docs/', '/docs/json', '/docs/yaml', '/docs/static/swagger-ui.css', '/docs/nowhere']) {
    const { status } = await people.ask({}, 'GET', path)
    expect([path, status]).toEqual([path, 401])
  }
})

describe.each(callerNames)('for %s', name => {
  test('each answer is what the declared scope says, and none is a fault', async () => {
    const caller = callers.get(name)!
    const verdicts = await Promise.all(
      declared()
        .filter(({ method }) => method !== 'HEAD')
        .map(async route => {
          const isLast = caller.role && leaving.includes(route.operation.name)
          const { proof } = isLast ? await people.invite(caller.role!) : caller
          const answer = await people.ask(proof, route.method, pathOf(route), bodyOf(route))
          return [route.operation.name, verdictOf(answer)] as const
        }),
    )
    const wanted = declared()
      .filter(({ method }) => method !== 'HEAD')
      .map(({ operation }) => [operation.name, expectedOf(operation, caller.scopes)] as const)
    expect(verdicts.length).toBeGreaterThan(60)
    expect(Object.fromEntries(verdicts)).toEqual(Object.fromEntries(wanted))
  })
})

/** The scope of each tool; a tool that is missing here must not exist. */
const scopeOfTool: Record<string, Scope | 'signed_in'> = {
  mail_accounts: 'signed_in',
  mail_folders: 'mail:meta',
  mail_search: 'mail:meta',
  mail_read: 'mail:read',
  ...({ mail_attachment: 'mail:read', mail_changes: 'mail:meta' } as const),
  ...({ mail_update: 'mail:organize', mail_move: 'mail:organize' } as const),
  mail_folder_edit: 'mail:organize',
  ...({ mail_draft: 'mail:draft', mail_outbox: 'mail:draft' } as const),
  mail_send: 'mail:send',
  mail_proposals: 'mail:organize',
}
test('a scope counts as unused only as long as no tool asks for it', () => {
  const asked = new Set(Object.values(scopeOfTool))
  expect(unusedScopes.filter(scope => asked.has(scope))).toEqual([])
})

/** Inputs that name no account and match nothing. */
const inputOfTool: Record<string, object> = {
  ...{ mail_accounts: {}, mail_proposals: { proposal: 'p01k5r9w2m3c7x4aq' } },
  ...{ mail_folders: { account: 'nosuchthing' }, mail_changes: { account: 'nosuchthing' } },
  ...{ mail_search: { account: 'nosuchthing', q: 'x' }, mail_read: { refs: ['nosuchthing.AAAAAAAAAAAAAAAAAAAA'] } },
  mail_attachment: { ref: 'nosuchthing.AAAAAAAAAAAAAAAAAAAA', id: '2' },
  mail_folder_edit: { account: 'nosuchthing', op: 'create', path: 'x' },
  mail_update: { refs: ['nosuchthing.AAAAAAAAAAAAAAAAAAAA'], add: ['seen'] },
  mail_move: { refs: ['nosuchthing.AAAAAAAAAAAAAAAAAAAA'], to: 'archive' },
  ...{ mail_outbox: { op: 'get', id: 's01k5r9w2m3c7x4aq' }, mail_draft: { account: 'nosuchthing', body: 'x' } },
  mail_send: { draft: 'd5kT0a9ZqW2cXbV7mR1LyE', rev: 1 },
}

/** Calls over the protocol before 2026, whose calls need no session. */
async function speakMcp(proof: Proof, method: string, params: object = {}) {
  const headers = { ...proof, accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(people.url + mcpPath, { method: 'POST', headers, body })
  const text = await answer.text()
  const message = /^data: (.*)$/m.exec(text)?.[1] ?? '{}'
  return { status: answer.status, result: JSON.parse(message).result }
}

test.each(callerNames)('for %s each tool of MCP is listed, and answers, as its declared scope says', async name => {
  const { proof, scopes: held, role } = callers.get(name)!
  if (held === undefined) return expect((await speakMcp(proof, 'tools/list')).status).toBe(401)
  // A session calls from our own page.
  const own = role ? { ...proof, origin: people.url } : proof
  const allowed = Object.entries(scopeOfTool).filter(([, scope]) => scope === 'signed_in' || held.includes(scope))
  const { result } = await speakMcp(own, 'tools/list')
  expect(result.tools.map((tool: { name: string }) => tool.name)).toEqual(allowed.map(([tool]) => tool))
  for (const [tool, scope] of Object.entries(scopeOfTool)) {
    const { result } = await speakMcp(own, 'tools/call', { name: tool, arguments: inputOfTool[tool] })
    const { code, message } = JSON.parse(result.content[0].text)
    const refused = { code: 'forbidden', message: `This requires the scope ${scope}.` }
    const code404 = expect.stringMatching(/^(account|message|submission|draft|proposal)_not_found$/)
    const absent = { code: code404, message: expect.any(String) }
    const inside = tool === 'mail_accounts' ? { code: undefined, message: undefined } : absent
    const isAllowed = allowed.some(([known]) => known === tool)
    expect([tool, { code, message }]).toEqual([tool, isAllowed ? inside : refused])
  }
})

test.each(['nobody', 'viewer', 'dashboard:admin'])('for %s a HEAD is answered as its GET is', async name => {
  const { proof } = callers.get(name)!
  const readable = declared().filter(({ method }) => method === 'HEAD')
  expect(readable.length).toBeGreaterThan(20)
  for (const route of readable) {
    const [head, get] = [await people.ask(proof, 'HEAD', pathOf(route)), await people.ask(proof, 'GET', pathOf(route))]
    expect([route.path, head.status, head.text]).toEqual([route.path, get.status, ''])
  }
})

const changing = () => declared().filter(({ method, operation: o }) => !/GET|HEAD/.test(method) && !o.isForPrograms)
const foreign: [string, Proof][] = [
  ['another site', { origin: 'https://evil.example' }],
  ['a page without an origin', { origin: 'null' }],
  ['the same host on another port', { origin: 'http://127.0.0.1:1' }],
]

test.each([...foreign, ['a form of another site', { 'sec-fetch-site': 'cross-site' }], ['nowhere', {}]])(
  'with a session nothing is changed for %s',
  async (_name, from: Proof) => {
    const cookie = callers.get('administrator')!.proof.cookie!
    for (const route of changing()) {
      const answer = await people.ask({ cookie, ...from }, route.method, pathOf(route), bodyOf(route))
      expect([route.operation.name, verdictOf(answer)]).toEqual([route.operation.name, 'origin_not_allowed: undefined'])
    }
    expect((await people.ask({ cookie }, 'GET', api.access.getSession.path)).status).toBe(200)
  },
)

test.each(foreign)('no state changes by a request from %s', async (_name, from) => {
  const open = changing().filter(({ operation }) => operation.scope === 'public')
  expect(open.length).toBeGreaterThan(5)
  for (const route of open) {
    const answer = await people.ask(from, route.method, pathOf(route), bodyOf(route))
    expect([route.operation.name, verdictOf(answer)]).toEqual([route.operation.name, 'origin_not_allowed: undefined'])
  }
})

const limitOf = ({ operation: { name } }: Declared): number => {
  const found = endpoints.find(one => operationName(one) === name)
  if (name === 'drafts.uploadAttachment') return draftBounds.attachmentBytes
  return found ? bodyLimitOf(found) : maxMcpBody
}
/** Returns the status before a single byte of the body was sent. */
async function statusBefore(proof: Proof, { method, path }: Pick<Route, 'method' | 'path'>, bytes: number) {
  const headers = { ...proof, 'content-type': 'application/json', 'content-length': bytes }
  const { statuses, socket } = await openRaw(people.url, headOf(method, path, headers))
  const [status] = await statuses(1)
  socket.destroy()
  return status
}

test('a caller that announces more than an endpoint takes is refused before any of it has come', async () => {
  const proof = { 'x-api-key': apiKey }
  expect(changing().length).toBeGreaterThan(30)
  for (const route of changing()) {
    const status = await statusBefore(proof, { ...route, path: pathOf(route) }, limitOf(route) + 1)
    // A key is refused for user-only operations before it may send a body.
    const wanted = route.operation.callers === 'session' ? 403 : 413
    expect([route.operation.name, status]).toEqual([route.operation.name, wanted])
  }
})

test('what strangers announce is not waited for, unless anyone may ask', async () => {
  for (const route of changing()) {
    const isPublic = route.operation.scope === 'public'
    const bytes = isPublic ? bodyLimits.public + 1 : 100
    const status = await statusBefore({}, { ...route, path: pathOf(route) }, bytes)
    expect([route.operation.name, status]).toEqual([route.operation.name, isPublic ? 413 : 401])
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    for (const path of [
      '/',
      '/nowhere',
      '/api/nowhere',
      '/api/dashboard/session/nowhere',
      '/assets/x.js',
      '/docs',
      '/%zz',
    ]) {
      const status = await statusBefore({}, { method, path }, 1_000_000)
      const isThere = path === '/docs'
      expect([method, path, status]).toEqual([method, path, path === '/%zz' ? 400 : isThere ? 405 : 404])
    }
  }
})

const everywhere = () => [
  ...declared(),
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/docs' },
  { method: 'POST', path: '/nowhere' },
]

test('by a name that is not ours nothing is answered, whatever it is and whatever caller asks', async () => {
  for (const proof of [{}, { 'x-api-key': apiKey }, { cookie: callers.get('administrator')!.proof.cookie! }]) {
    for (const route of everywhere()) {
      const { statuses, socket } = await openRaw(
        people.url,
        headOf(route.method, pathOf(route), { ...proof, host: 'evil.example' }),
      )
      const [status] = await statuses(1)
      socket.destroy()
      expect([route.method, route.path, status]).toEqual([route.method, route.path, 421])
    }
  }
})

test('a browser that uses such a name gets a page that says what to set', async () => {
  const ask = async (accept: string) => {
    const head = headOf('GET', '/', { host: 'mail.my.house:9437', accept, connection: 'close' })
    return (await (await openRaw(people.url, head)).ended()).text
  }
  const shown = await ask('text/html,*/*;q=0.8')
  expect(shown).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r$/m)
  expect(shown).toMatch(/^content-type: text\/plain; charset=utf-8\r$/m)
  expect(shown).toContain('add it to RUSTYMAIL_ALLOWED_HOSTS')
  expect(shown).toContain('mail.my.house')
  expect(await ask('application/json')).toContain('"code":"host_not_allowed"')
})

test.each(['localhost', '127.0.0.1', '[::1]:9437', '203.0.113.7', 'app.localhost'])(
  'by %s everything is answered',
  async host => {
    const { statuses, socket } = await openRaw(people.url, headOf('GET', '/health/live', { host }))
    expect(await statuses(1)).toEqual([200])
    socket.destroy()
  },
)
