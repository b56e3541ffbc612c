/** Known callers are accepted without a database lookup; revoked ones and their connections are cut off immediately. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import type { App } from '../../server/app.ts'
import { CountedDatabase } from '../support/counted-database.ts'
import { openStream } from '../support/open-stream.ts'
import { type People, type Proof, runApp, startApp } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const stats = api.metrics.getStats.path
const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)

test('a session and a token that were seen before are checked without the database', async () => {
  const dir = tempDir('counted')
  onTestFinished(() => dir.remove())
  const counted = new CountedDatabase(`sqlite:${dir.path}/test.db`)
  const { openDatabase } = counted
  const { people } = await startApp({ overrides: { openDatabase } })
  const token = await people.token(['dashboard:read'])
  const person = await people.invite('viewer')
  const known = [token.proof, person.proof]
  for (const proof of known) expect((await people.ask(proof, 'GET', stats)).status).toBe(200)
  await counted.quiet()
  counted.statements.length = 0
  for (let turn = 0; turn < 100; turn++) {
    for (const proof of known) expect((await people.ask(proof, 'GET', stats)).status).toBe(200)
  }
  // If the minute ends meanwhile, the use of the token is recorded; and notifiers are polled.
  const others = ['update api_tokens', 'select notifiers']
  expect(counted.statements.filter(statement => !others.includes(statement))).toEqual([])
  // Proves that statements are counted: an unknown session is looked up.
  await people.ask({ cookie: 'rustymail_session=unknown' }, 'GET', stats)
  expect(counted.statements).toContain('select sessions')
})

let people: People
let app: App

beforeAll(async () => {
  const running = await runApp()
  people = running.people
  app = running.app
  return running.stop
})

/** Sends requests throughout: none sent after the revocation's response is accepted, except until `endsAt`. */
async function expectOut(proof: Proof, revoke: () => Promise<unknown>, endsAt = 0) {
  expect((await people.ask(proof, 'GET', stats)).status).toBe(200)
  const stream = await openStream(`${people.url}${api.events.streamEvents.path}`, proof)
  await stream.next('welcome')
  let isRevoked = false
  let letIn = 0
  const refused = (async () => {
    for (;;) {
      const isLate = isRevoked && Date.now() > endsAt
      if ((await people.ask(proof, 'GET', stats)).status !== 200) return
      if (isLate) letIn++
    }
  })()
  await revoke()
  isRevoked = true
  await Promise.all([refused, stream.ended])
  expect(letIn).toBe(0)
  expect((await people.ask(proof, 'GET', stats)).status).toBe(401)
  expect((await people.ask(proof, 'GET', api.events.streamEvents.path)).status).toBe(401)
  expect(stream.events.at(-1)).toMatchObject({ event: 'goodbye', data: { reason: 'revoked' } })
}

const changeUser = (userId: string, change: object) =>
  people.tell(people.admin, 'PATCH', fill(api.users.changeUser.path, userId), change)

const ends: Record<string, (who: { userId: string; proof: Proof }) => Promise<unknown>> = {
  'signs out': ({ proof }) => people.tell(proof, 'DELETE', api.access.closeSession.path),
  'signs out everywhere': ({ proof }) => people.tell(proof, 'DELETE', api.access.endAllSessions.path),
  'has the session ended by an administrator': async ({ userId }) => {
    const path = `${api.access.listSessions.path}?user_id=${userId}`
    const { items } = await people.tell<{ items: { id: string }[] }>(people.admin, 'GET', path)
    await people.tell(people.admin, 'DELETE', fill(api.access.endSession.path, items[0]!.id))
  },
  'is disabled': ({ userId }) => changeUser(userId, { disabled: true }),
  'is reset': ({ userId }) => people.tell(people.admin, 'POST', fill(api.users.resetUser.path, userId)),
  'is deleted': ({ userId }) => people.tell(people.admin, 'DELETE', fill(api.users.deleteUser.path, userId)),
}

test.each(Object.keys(ends))('who %s is out at once', async name => {
  const person = await people.invite('operator')
  await expectOut(person.proof, () => ends[name]!(person))
})

const tokenPath = (id: string) => fill(api.tokens.revokeToken.path, id)

test('a token that is revoked, rotated or over is out at once', async () => {
  const revoked = await people.token(['dashboard:read'])
  await expectOut(revoked.proof, () => people.tell(people.admin, 'DELETE', tokenPath(revoked.id)))
  const rotated = await people.token(['dashboard:read'])
  const rotate = fill(api.tokens.rotateToken.path, rotated.id)
  await expectOut(rotated.proof, () => people.tell(people.admin, 'POST', rotate))
  const over = await people.token(['dashboard:read'])
  const endsAt = Date.now() + 500
  const change = { expires_at: new Date(endsAt).toISOString() }
  await expectOut(over.proof, () => people.tell(people.admin, 'PATCH', tokenPath(over.id), change), endsAt)
})

test('with a user who is disabled or gone, their tokens are out at once', async () => {
  const disable = (userId: string) => changeUser(userId, { disabled: true })
  for (const end of [disable, (userId: string) => ends['is deleted']!({ userId, proof: {} })]) {
    const { userId, proof } = await people.invite('operator')
    const body = { name: 'mine', scopes: ['dashboard:read'], accounts: [] }
    const { token } = await people.tell<{ token: string }>(proof, 'POST', api.tokens.createToken.path, body)
    await expectOut({ authorization: `Bearer ${token}` }, () => end(userId))
  }
})

test('a caller that loses a scope is rejected immediately, and told which one', async () => {
  const { userId, proof } = await people.invite('administrator')
  const token = await people.token(['dashboard:read'])
  const path = api.users.listUsers.path
  const cases = [
    { proof, path, missing: 'dashboard:admin', change: () => changeUser(userId, { role: 'viewer' }) },
    {
      proof: token.proof,
      path: stats,
      missing: 'dashboard:read',
      change: () => people.tell(people.admin, 'PATCH', tokenPath(token.id), { scopes: ['mail:meta'] }),
    },
  ]
  for (const one of cases) {
    expect((await people.ask(one.proof, 'GET', one.path)).status).toBe(200)
    await one.change()
    const { status, text } = await people.ask(one.proof, 'GET', one.path)
    expect([status, JSON.parse(text)]).toMatchObject([403, { missing_scope: one.missing }])
  }
})

/** The head was read, so the sender is known; the body has only begun. Returns how the request ends. */
async function beginToSend(proof: Proof, path: string, body: object) {
  const { hostname, port, host } = new URL(people.url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  const whole = JSON.stringify(body)
  const headers = {
    ...proof,
    host,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': whole.length,
    connection: 'close',
    expect: '100-continue',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${whole.slice(0, 5)}`)
  await once(socket, 'data')
  return async () => {
    socket.write(whole.slice(5))
    await once(socket, 'close')
    const [, status, answer] = /HTTP\/1\.1 ([2-5]\d\d).*?\r\n\r\n(.*)/s.exec(text) ?? []
    return { status: Number(status), answer: JSON.parse(answer ?? '') as object }
  }
}

const newcomer = { email: 'evil@example.com', name: 'Evil', role: 'administrator', accounts: 'all' }
const listTools = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

test.each([
  ['REST', api.users.inviteUser.path, newcomer],
  ['MCP', mcpPath, listTools],
])(
  'what is sent to the end after its sender was revoked is refused over %s, and done by nobody',
  async (_name, path, body) => {
    const person = await people.invite('administrator')
    const token = await people.token(['dashboard:admin'])
    const begun = [await beginToSend(person.proof, path, body), await beginToSend(token.proof, path, body)]
    await people.tell(people.admin, 'DELETE', tokenPath(token.id))
    await ends['has the session ended by an administrator']!(person)
    for (const end of begun) expect(await end()).toMatchObject({ status: 401, answer: { code: 'unauthorized' } })
    const { items } = await people.tell<{ items: { email: string }[] }>(people.admin, 'GET', api.users.listUsers.path)
    expect(items.map(({ email }) => email)).not.toContain(newcomer.email)
  },
)

test('what is sent to the end after its sender lost a right is refused for want of it', async () => {
  const { userId, proof } = await people.invite('administrator')
  const end = await beginToSend(proof, api.users.inviteUser.path, newcomer)
  await changeUser(userId, { role: 'viewer' })
  expect(await end()).toMatchObject({ status: 403, answer: { missing_scope: 'dashboard:admin' } })
})

test('connections of a revoked principal are anonymous from then on', async () => {
  const person = await people.invite('viewer')
  const token = await people.token(['dashboard:read'])
  const told = vi.spyOn(app.http.connectionLimits, 'revoked')
  onTestFinished(() => void vi.restoreAllMocks())
  await people.tell(people.admin, 'DELETE', tokenPath(token.id))
  await ends['is disabled']!(person)
  const { principal } = await people.tell<{ principal: { id: string } }>(
    people.admin,
    'GET',
    api.access.getSession.path,
  )
  const ids = told.mock.calls.map(([id]) => id)
  expect(ids).toEqual(expect.arrayContaining([`token-${token.id}`, expect.stringMatching(/^session-/)]))
  expect(ids).not.toContain(principal.id)
})
