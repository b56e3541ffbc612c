/**
 * The server's responses match its OpenAPI document: statuses, headers, types and bodies, for every kind of caller; and
 * every route is in it.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { problems } from '../../contract/problem.ts'
import { scopes } from '../../contract/scope.ts'
import type { App } from '../../server/app.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type DocumentedOperation, operations, theDocument } from '../support/openapi.ts'
import { type People, type Proof, runApp } from '../support/people.ts'

const apiKey = 'an-api-key-for-tests-only'
const environment = {
  RUSTYMAIL_API_KEY: apiKey,
  // A provider that does not respond, so that its two addresses are served.
  RUSTYMAIL_OIDC_ISSUER: 'http://127.0.0.1:1',
  RUSTYMAIL_OIDC_CLIENT_ID: 'rustymail',
  RUSTYMAIL_OIDC_ROLES: 'everyone=viewer',
}
/** It would start a mail server of its own. */
const left = new Set(['accounts.startSandbox'])
/** They end the session that calls them. */
const leaving = ['access.closeSession', 'access.endAllSessions']
/** Documented for all responses in prose (security.md), or by the protocol. */
const plainHeaders =
  /^(content-(type|length|encoding|security-policy)|vary|date|connection|keep-alive|transfer-encoding|x-(content-type-options|dns-prefetch-control|download-options|frame-options|permitted-cross-domain-policies|xss-protection)|referrer-policy|strict-transport-security|origin-agent-cluster|permissions-policy|cross-origin-[a-z-]+)$/

let app: App
let people: People
let account: Account
let ref: string
const all = operations()
  .filter(({ operationId }) => !left.has(operationId))
  .sort((one, other) => leaving.indexOf(one.operationId) - leaving.indexOf(other.operationId))

beforeAll(async () => {
  const gateway = new MemoryGateway()
  const running = await runApp({ environment, overrides: { gateway } })
  app = running.app
  people = running.people
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  account = await people.tell<Account>(people.admin, 'POST', path, { email: 'ann@example.org', imap })
  gateway.deliver({ subject: 'lunch', html: '<p>At noon?</p>', text: 'At noon?' })
  const list = api.mail.listMessages.path.replace('{account_id}', account.id)
  ref = (await people.tell<{ items: { ref: string }[] }>(people.admin, 'GET', list)).items[0]!.ref
  return running.stop
})

/** Sends an operation's example for the existing account; what would delete it names another one. */
async function ask({ method, path, parameters, requestBody }: DocumentedOperation, proof: Proof) {
  const own: Record<string, string> = {
    ref,
    verify: 'false',
    ...(method === 'DELETE' ? {} : { account_id: account.id }),
  }
  const exampleFor = ({ name, example }: (typeof parameters)[number]) =>
    encodeURIComponent(own[name] ?? String(example))
  const isSent = ({ name, ...rest }: object & { name: string; required?: boolean }) =>
    rest.required || name === 'verify'
  const query = parameters.filter(each => each.in === 'query' && isSent(each))
  const filled = parameters
    .filter(each => each.in === 'path')
    .reduce((text, each) => text.replace(`{${each.name}}`, exampleFor(each)), path)
  const body = requestBody?.content['application/json']?.example
  const headers = {
    ...proof,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(path === mcpPath && { accept: 'application/json, text/event-stream' }),
  }
  const address = `${people.url}${filled}?${query.map(each => `${each.name}=${exampleFor(each)}`).join('&')}`
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(address, { method, headers, redirect: 'manual', ...sent })
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const isStream = type === 'text/event-stream'
  if (isStream) await answer.body?.cancel()
  const text = isStream ? '' : await answer.text()
  return { status: answer.status, headers: [...answer.headers.keys()], type, text }
}

const ajv = new Ajv2020({ strict: false, validateFormats: false })
/** Compiled once: inlined in each schema they would be compiled again for each. */
const shared = 'https://document.test/'
ajv.addSchema({ $id: shared, components: theDocument.components })
const compiled = new Map<unknown, ReturnType<typeof ajv.compile>>()

function bodyFaults(schema: unknown, text: string): unknown[] {
  const check =
    compiled.get(schema) ??
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${shared}#/components/`)))
  compiled.set(schema, check)
  check(JSON.parse(text))
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

function faultsOf({ responses }: DocumentedOperation, answer: Awaited<ReturnType<typeof ask>>): unknown[] {
  const documented = responses[answer.status]
  if (!documented) return [`${answer.status} ${answer.text}`]
  const known = Object.keys(documented.headers ?? {}).map(name => name.toLowerCase())
  const headers = answer.headers.filter(name => !plainHeaders.test(name) && !known.includes(name))
  if (answer.text === '' && answer.type !== 'text/event-stream') return headers
  const content = documented.content?.[answer.type]
  if (!content) return [...headers, `${answer.status} ${answer.type} ${answer.text.slice(0, 200)}`]
  if (answer.type === 'application/problem+json') {
    const { code } = JSON.parse(answer.text) as { code: string }
    if (!Object.keys(content.examples ?? {}).includes(code)) headers.push(`${answer.status} ${code}`)
  }
  return [...headers, ...(answer.type.endsWith('json') ? bodyFaults(content.schema, answer.text) : [])]
}

const proofs: Record<string, () => Promise<Proof>> = {
  nobody: async () => ({}),
  'a viewer': async () => (await people.invite('viewer')).proof,
  'a token with every scope': async () => (await people.token([...scopes], [account.id])).proof,
  'a token with none of mail': async () => (await people.token(['dashboard:read'])).proof,
  'the API key': async () => ({ 'x-api-key': apiKey }),
  'an administrator': async () => (await people.invite('administrator')).proof,
}

test.each(Object.entries(proofs))('all that is answered to %s is in the document', async (_name, make) => {
  const proof = await make()
  const faults: unknown[] = []
  for (const operation of all) {
    const answer = await ask(operation, proof)
    const found = faultsOf(operation, answer)
    if (found.length > 0) faults.push([operation.operationId, ...found])
  }
  expect(faults).toEqual([])
})

test('anonymous callers get 401 from everything that is not public, and it is documented', async () => {
  for (const operation of all) {
    const { status } = await ask(operation, {})
    const isPublic = operation.security.length === 0
    expect([operation.operationId, isPublic]).toEqual([operation.operationId, operation.scope === 'public'])
    if (!isPublic) expect([operation.operationId, status]).toEqual([operation.operationId, 401])
    if (!isPublic) expect(operation.responses[401]?.headers).toHaveProperty('WWW-Authenticate')
  }
})

test('what offers bearer takes tokens, and what does not refuses them', async () => {
  const { proof } = await people.token([...scopes], [account.id])
  const refused: string[] = []
  for (const operation of all.filter(({ scope }) => scope !== 'public')) {
    const { status, text } = await ask(operation, proof)
    const { code } = status >= 400 && text !== '' ? JSON.parse(text) : { code: '' }
    if (code === 'session_needed' || operation.operationId === 'access.closeSession')
      refused.push(operation.operationId)
  }
  const closed = all.filter(({ security, scope }) => scope !== 'public' && !security.some(each => 'bearer' in each))
  expect(refused.sort()).toEqual(closed.map(({ operationId }) => operationId).sort())
  expect(refused.length).toBeGreaterThan(15)
})

test('all that is served is in the document under the scope that it has, and a method that a path has not is refused', async () => {
  const served = app.http.routes.flatMap(({ method, path, operation }) =>
    // OAuth defines the paths and forms of its own endpoints (RFC 8414).
    operation && !operation.isForPrograms && method !== 'HEAD' && !(path === mcpPath && method !== 'POST')
      ? [`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')} ${operation.scope}`]
      : [],
  )
  const documented = operations().map(({ method, path, scope }) => `${method} ${path} ${scope}`)
  // A page that reloads itself: its route has no operation.
  expect(documented.filter(one => !one.startsWith('GET /docs ')).sort()).toEqual(served.sort())

  const { proof } = await people.token([...scopes], [account.id])
  const wanted = 'method_not_allowed' in problems ? 405 : 404
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE']
  const isKnown = (method: string, address: string) =>
    operations().some(
      one => one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(address),
    )
  for (const path of Object.keys(theDocument.paths)) {
    const address = path.replaceAll(/\{\w+\}/g, 'x')
    // A page, or nothing, is served where there is no GET; and MCP answers 405 itself.
    const others = path === mcpPath ? ['PUT', 'PATCH'] : methods.filter(method => !isKnown(method, address))
    for (const method of others) {
      const { status } = await people.ask(proof, method, address)
      expect([method, path, status]).toEqual([method, path, wanted])
    }
  }
})
