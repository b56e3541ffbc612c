/** The gate: whoever comes to whatever is served, is let in, or refused for the reason that the declared scope gives. */
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Role } from '../contract/access.ts'
import { type Endpoint, endpoint } from '../contract/endpoint.ts'
import { api, operationName } from '../contract/index.ts'
import { mcpPath } from '../contract/mcp.ts'
import { type Scope, scopes, withIncluded } from '../contract/scope.ts'
import type { HttpServer } from '../server/platform/http-server.ts'
import { type Answer, type People, type Proof, runApp } from './support/people.ts'

type Route = HttpServer['routes'][number]
type Declared = Route & { operation: NonNullable<Route['operation']> }

interface Caller {
  proof: Proof
  /** Undefined for nobody. */
  scopes: readonly Scope[] | undefined
  role?: Role
}

const apiKey = 'an-api-key-for-tests-only'
const environment = {
  RUSTYMAIL_API_KEY: apiKey,
  // A provider that nobody answers for, so that its two addresses are served.
  RUSTYMAIL_OIDC_ISSUER: 'http://127.0.0.1:1',
  RUSTYMAIL_OIDC_CLIENT_ID: 'rustymail',
  RUSTYMAIL_OIDC_ROLES: 'everyone=viewer',
}
const scopesOf: Record<Role, readonly Scope[]> = {
  viewer: ['dashboard:read'],
  operator: ['dashboard:read', 'dashboard:operate', 'mail:meta', 'mail:read'],
  administrator: scopes,
}
/** They end the session that they come by. */
const leaving = ['access.closeSession', 'access.endAllSessions']

let people: People
let routes: Route[]
const callers = new Map<string, Caller>()

beforeAll(async () => {
  const { app, people: all, stop } = await runApp({ environment })
  people = all
  routes = app.http.routes
  callers.set('nobody', { proof: {}, scopes: undefined })
  callers.set('a wrong token', { proof: { authorization: 'Bearer rm_wrong' }, scopes: undefined })
  callers.set('a wrong session', { proof: { cookie: 'rustymail_session=wrong' }, scopes: undefined })
  for (const role of Role.options) {
    const { proof } = await people.invite(role)
    callers.set(role, { proof, scopes: scopesOf[role], role })
  }
  for (const scope of scopes) {
    const { proof } = await people.token([scope])
    callers.set(scope, { proof, scopes: withIncluded(scope) })
  }
  callers.set('API key', { proof: { 'x-api-key': apiKey }, scopes })
  return stop
})

const endpoints = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])
const isDeclared = (route: Route): route is Declared => route.operation !== undefined
const declared = (): Declared[] => routes.filter(isDeclared)
/** Where nothing is. */
const pathOf = ({ path }: Route) => path.replaceAll(/:\w+/g, 'nosuchthing').replace('*', 'nosuchthing')
const bodyOf = ({ method }: Route) => (['GET', 'HEAD', 'DELETE'].includes(method) ? undefined : {})

function verdictOf({ status, text }: Answer): string {
  if (status === 500) return `a fault: ${text}`
  if (status !== 401 && status !== 403) return 'let in'
  const { code, missing_scope } = JSON.parse(text) as { code: string; missing_scope?: string }
  if (code === 'unauthorized') return 'unknown'
  // Beyond the gate others may refuse: a wrong password, or a token where a person is needed.
  if (code !== 'forbidden' && code !== 'origin_not_allowed') return 'let in'
  return `${code}: ${missing_scope}`
}

function expected({ scope }: Declared['operation'], held: Caller['scopes']): string {
  if (scope === 'public') return 'let in'
  if (held === undefined) return 'unknown'
  return scope === 'signed_in' || held.includes(scope) ? 'let in' : `forbidden: ${scope}`
}

test('every endpoint of the contract is served under the scope that it declares', () => {
  const served = new Map(declared().map(({ method, path, operation }) => [`${method} ${path}`, operation]))
  for (const one of endpoints) {
    const path = one.path.replaceAll(/\{(\w+)\}/g, ':$1')
    const operation = { name: operationName(one), scope: one.scope, effect: one.effect }
    expect(served.get(`${one.method} ${path}`)).toEqual(operation)
    expect(['public', 'signed_in', ...scopes]).toContain(one.scope)
  }
})

/** Served beside the contract, since what they answer is no JSON. */
const others: Record<string, string> = {
  beginOidcSignIn: 'public',
  finishOidcSignIn: 'public',
  docs: 'signed_in',
  'mail.getMessageHtml': 'mail:read',
  'mcp.exchange': 'signed_in',
  'metrics.prometheus': 'dashboard:read',
  'audit.exportAudit': 'dashboard:admin',
}

test('what is served beside the contract is known, and so is its scope', () => {
  const known = new Set(endpoints.map(operationName))
  const found = declared().flatMap(({ operation: { name, scope } }) => (known.has(name) ? [] : [[name, scope]]))
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
  expect(documented.length).toBeGreaterThan(3)
  for (const path of documented) {
    const { status } = await people.ask({}, 'GET', path.replace('*', 'index.html'))
    expect([path, status]).toEqual([path, 401])
  }
})

const names = [
  'nobody',
  'a wrong token',
  'a wrong session',
  ...Role.options,
  ...scopes.map(scope => scope as string),
  'API key',
]

describe.each(names)('for %s', name => {
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
      .map(({ operation }) => [operation.name, expected(operation, caller.scopes)] as const)
    expect(verdicts.length).toBeGreaterThan(60)
    expect(Object.fromEntries(verdicts)).toEqual(Object.fromEntries(wanted))
  })
})

/** What each tool asks for; a tool that is not here is not meant to be there. */
const scopeOfTool: Record<string, Scope | 'signed_in'> = {
  mail_accounts: 'signed_in',
  mail_folders: 'mail:meta',
  mail_search: 'mail:meta',
  mail_read: 'mail:read',
}
/** Of no account, and nothing that could be found. */
const inputOfTool: Record<string, object> = {
  mail_accounts: {},
  mail_folders: { account: 'nosuchthing' },
  mail_search: { account: 'nosuchthing', q: 'x' },
  mail_read: { refs: ['nosuchthing.AAAAAAAAAAAAAAAAAAAA'] },
}

/** Of the protocol before 2026, in which a call stands alone. */
async function speakMcp(proof: Proof, method: string, params: object = {}) {
  const headers = { ...proof, accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(people.url + mcpPath, { method: 'POST', headers, body })
  const text = await answer.text()
  const message = /^data: (.*)$/m.exec(text)?.[1] ?? '{}'
  return { status: answer.status, result: JSON.parse(message).result }
}

test.each(names)('for %s each tool of MCP is listed, and answers, as its declared scope says', async name => {
  const { proof, scopes: held, role } = callers.get(name)!
  if (held === undefined) return expect((await speakMcp(proof, 'tools/list')).status).toBe(401)
  // A session speaks from our own page.
  const own = role ? { ...proof, origin: people.url } : proof
  const allowed = Object.entries(scopeOfTool).filter(([, scope]) => scope === 'signed_in' || held.includes(scope))
  const { result } = await speakMcp(own, 'tools/list')
  expect(result.tools.map((tool: { name: string }) => tool.name)).toEqual(allowed.map(([tool]) => tool))
  for (const [tool, scope] of Object.entries(scopeOfTool)) {
    const { result } = await speakMcp(own, 'tools/call', { name: tool, arguments: inputOfTool[tool] })
    const { code, message } = JSON.parse(result.content[0].text)
    const refused = { code: 'forbidden', message: `This needs the scope ${scope}.` }
    const absent = { code: expect.stringMatching(/^(account|message)_not_found$/), message: expect.any(String) }
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

const changing = () => declared().filter(({ method }) => method !== 'GET' && method !== 'HEAD')
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

test.each(foreign)('nobody is signed in, or anything else, by %s', async (_name, from) => {
  const open = changing().filter(({ operation }) => operation.scope === 'public')
  expect(open.length).toBeGreaterThan(5)
  for (const route of open) {
    const answer = await people.ask(from, route.method, pathOf(route), bodyOf(route))
    expect([route.operation.name, verdictOf(answer)]).toEqual([route.operation.name, 'origin_not_allowed: undefined'])
  }
})
