/** Bad input at any field of any operation of the OpenAPI document is refused by a documented answer that names it. */
import { beforeAll, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { messagesPath } from '../../contract/mcp.ts'
import { ProblemBody } from '../../contract/problem-body.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { type Variant, variantsOf } from '../support/hostile-variants.ts'
import { keepConnections } from '../support/kept-connections.ts'
import { type DocumentedOperation, operations } from '../support/openapi.ts'
import { type People, runApp } from '../support/people.ts'
import { headOf, openRaw } from '../support/raw-http.ts'

/** They end sessions, start a mail server, or open streams; OAuth and Prometheus have their own parameters, and MCP its own errors. */
const left =
  /^(access\.(closeSession|endAllSessions)|accounts\.startSandbox|mcp\.|finish|begin\w+SignIn$|metrics\.prometheus|docs)/
/** They decide by another rule first: a frame is only for the page, and a decision is about something that exists. */
const ruledFirst = /^(frame_only|challenge_invalid|\w*not_found)$/
const all = operations().filter(({ operationId }) => !left.test(operationId))

let people: People
let own: Record<string, string>
let bugs: string[]

beforeAll(async () => {
  bugs = []
  const write = (line: string) => void (line.includes('a bug') && bugs.push(line))
  const overrides = { gateway: new MemoryGateway(), logger: createLogger('error', { write } as never) }
  const running = await runApp({ overrides })
  people = running.people
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  own = { account_id: (await people.tell<Account>(people.admin, 'POST', path, { email: 'ann@example.org', imap })).id }
  const close = keepConnections()
  return async () => {
    await close()
    await running.stop()
  }
})

async function send({ method }: DocumentedOperation, { path, headers, body }: Variant) {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body }
  const init = { method, headers: { ...people.admin, ...type, ...headers }, redirect: 'manual', ...sent } as const
  const answer = await fetch(people.url + path, init)
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
  if (isStream) await answer.body?.cancel()
  return { status: answer.status, text: isStream ? '' : await answer.text() }
}

/** Returns what is wrong with an answer. */
function faultOf({ responses, codes }: DocumentedOperation, { at, isOnlyOdd }: Variant, status: number, text: string) {
  if (!responses[status]) return 'not documented'
  if (status < 400) return isOnlyOdd ? undefined : 'accepted'
  const { code, errors = [] } = ProblemBody.parse(JSON.parse(text))
  if (!codes.includes(code)) return 'its code is not documented'
  if (code !== 'bad_request') return isOnlyOdd || ruledFirst.test(code) ? undefined : 'refused for another reason'
  if (errors.length === 0) return 'no field is named'
  if (errors.some(({ path }) => !/^(path|query|body|header)(\.|$)/.test(path))) return 'not the path of a field'
  if (isOnlyOdd || at === undefined) return undefined
  const isNamed = errors.some(({ path }) => at.startsWith(path) || path.startsWith(at))
  return isNamed ? undefined : `another field is named than ${at}`
}

test('each operation refuses it by name, or takes what is only unusual', async () => {
  const faults: unknown[] = []
  let count = 0
  for (const operation of all) {
    const named = operation.method === 'DELETE' ? {} : own
    for (const variant of variantsOf(operation, named)) {
      const { status, text } = await send(operation, variant)
      count++
      const fault = faultOf(operation, variant, status, text)
      if (fault) faults.push([operation.operationId, variant.what, variant.at, fault, status, text.slice(0, 300)])
    }
  }
  expect(faults).toEqual([])
  expect(count).toBeGreaterThan(3_000)
  expect(bugs).toEqual([])
  const path = api.accounts.getAccount.path.replace('{account_id}', own.account_id!)
  expect((await people.ask(people.admin, 'GET', path)).status).toBe(200)
})

test('control characters in a header, and a compressed or a mistyped body, are refused everywhere', async () => {
  const faults: unknown[] = []
  for (const { operationId, method, path, responses } of operations()) {
    const { socket, ended } = await openRaw(people.url, headOf(method, path, { 'idempotency-key': 'a\u0007b' }))
    const { status } = await ended()
    socket.destroy()
    if (status !== 400) faults.push([operationId, 'a control character', status])
    if (method === 'GET' || operationId.startsWith('access.')) continue
    const types = [
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      { 'content-type': 'application/x-www-form-urlencoded' },
    ]
    for (const type of types) {
      const headers = { ...people.admin, ...type }
      const answer = await fetch(people.url + path.replaceAll(/\{\w+\}/g, 'abcdefghij'), {
        method,
        headers,
        body: '{}',
      })
      await answer.body?.cancel()
      if (!responses[answer.status] || answer.status < 400 || answer.status >= 500)
        faults.push([operationId, type, answer.status])
    }
  }
  expect(faults).toEqual([])
})

test.each(['/mcp', `${messagesPath}?sessionId=x`])('a body that %s cannot read is an error of JSON-RPC', async path => {
  const bodies: [code: number, body: string | Uint8Array<ArrayBuffer>][] = [
    [-32_700, '{"jsonrpc":"2.0"'],
    [-32_700, ''],
    [-32_700, Buffer.from('{"jsonrpc":"2.\xff"}', 'latin1')],
    [-32_600, '{"jsonrpc":"2.0","id":1,"method":"a\\ud800"}'],
    [-32_600, '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}'],
    [-32_600, '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"constructor":{"prototype":1}}}'],
    [-32_600, `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(40)}${']'.repeat(40)}}`],
  ]
  for (const [code, body] of bodies) {
    const headers = {
      ...people.admin,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const answer = await fetch(people.url + path, { method: 'POST', headers, body })
    const error = { code, message: expect.stringMatching(/^(Parse error|Invalid Request): body/) }
    expect([answer.status, await answer.json()]).toEqual([400, { jsonrpc: '2.0', id: null, error }])
  }
})
