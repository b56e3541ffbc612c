/** Who is known is let in without a look into the database, and who is revoked is out within a second, with all that they have open. */
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { openStream } from '../support/open-stream.ts'
import { type People, type Proof, runApp, startApp } from '../support/people.ts'

const stats = api.metrics.getStats.path
const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)

/** Calls into SQLite, which is in this process. */
function countCalls() {
  const reads = (['all', 'get', 'iterate'] as const).map(name => vi.spyOn(StatementSync.prototype, name))
  const writes = [vi.spyOn(StatementSync.prototype, 'run'), vi.spyOn(DatabaseSync.prototype, 'exec')]
  onTestFinished(() => void vi.restoreAllMocks())
  const sum = (spies: { mock: { calls: unknown[] } }[]) => spies.reduce((all, { mock }) => all + mock.calls.length, 0)
  return { reads: () => sum(reads), writes: () => sum(writes) }
}

test('a session and a token that were seen before are checked without the database', async () => {
  const { people } = await startApp()
  const token = await people.token(['dashboard:read'])
  const person = await people.invite('viewer')
  const known = [token.proof, person.proof]
  for (const proof of known) expect((await people.ask(proof, 'GET', stats)).status).toBe(200)
  const { reads, writes } = countCalls()
  // What was begun by then, such as the fact that a client came, is written first.
  let last = -1
  const isQuiet = () => {
    const [sum, before] = [reads() + writes(), last]
    last = sum
    return sum === before
  }
  await expect.poll(isQuiet, { timeout: 10_000 }).toBe(true)
  const before = { reads: reads(), writes: writes() }
  for (let turn = 0; turn < 100; turn++) {
    for (const proof of known) expect((await people.ask(proof, 'GET', stats)).status).toBe(200)
  }
  expect(reads() - before.reads).toBe(0)
  // When the minute ends meanwhile, the use of the token is noted: a transaction around one statement.
  expect(writes() - before.writes).toBeLessThanOrEqual(4)
  // The calls are counted: who is not known is looked up.
  await people.ask({ cookie: 'rustymail_session=unknown' }, 'GET', stats)
  expect(reads()).toBeGreaterThan(before.reads)
})

let people: People

beforeAll(async () => {
  const running = await runApp()
  people = running.people
  return running.stop
})

/** Does it, and answers after how many ms from then on nothing is answered any more, and the stream has ended. */
async function msUntilOut(proof: Proof, revoke: () => Promise<unknown>) {
  expect((await people.ask(proof, 'GET', stats)).status).toBe(200)
  const stream = await openStream(`${people.url}${api.events.streamEvents.path}`, proof)
  await stream.next('welcome')
  const began = performance.now()
  const ended = stream.ended.then(() => performance.now() - began)
  const refused = (async () => {
    while ((await people.ask(proof, 'GET', stats)).status === 200);
    return performance.now() - began
  })()
  await revoke()
  const times = { refused: await refused, ended: await ended }
  expect((await people.ask(proof, 'GET', stats)).status).toBe(401)
  expect((await people.ask(proof, 'GET', api.events.streamEvents.path)).status).toBe(401)
  expect(stream.events.at(-1)).toMatchObject({ event: 'goodbye', data: { reason: 'revoked' } })
  return times
}

const soon = { refused: expect.toSatisfy(isSoon, '< 1 s'), ended: expect.toSatisfy(isSoon, '< 1 s') }
function isSoon(ms: number): boolean {
  return ms < 1000
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

test.each(Object.keys(ends))('who %s is out within a second', async name => {
  const person = await people.invite('operator')
  expect(await msUntilOut(person.proof, () => ends[name]!(person))).toEqual(soon)
})

const tokenPath = (id: string) => fill(api.tokens.revokeToken.path, id)

test('a token that is revoked, rotated or over is out within a second', async () => {
  const revoked = await people.token(['dashboard:read'])
  expect(await msUntilOut(revoked.proof, () => people.tell(people.admin, 'DELETE', tokenPath(revoked.id)))).toEqual(
    soon,
  )
  const rotated = await people.token(['dashboard:read'])
  const rotate = fill(api.tokens.rotateToken.path, rotated.id)
  expect(await msUntilOut(rotated.proof, () => people.tell(people.admin, 'POST', rotate))).toEqual(soon)
  const over = await people.token(['dashboard:read'])
  const lastingMs = 500
  const expire = () =>
    people.tell(people.admin, 'PATCH', tokenPath(over.id), {
      expires_at: new Date(Date.now() + lastingMs).toISOString(),
    })
  const { refused, ended } = await msUntilOut(over.proof, expire)
  expect({ refused: refused - lastingMs, ended: ended - lastingMs }).toEqual(soon)
})

test('with a user who is disabled or gone, their tokens are out within a second', async () => {
  const disable = (userId: string) => changeUser(userId, { disabled: true })
  for (const end of [disable, (userId: string) => ends['is deleted']!({ userId, proof: {} })]) {
    const { userId, proof } = await people.invite('operator')
    const body = { name: 'mine', scopes: ['dashboard:read'], accounts: [] }
    const { token } = await people.tell<{ token: string }>(proof, 'POST', api.tokens.createToken.path, body)
    expect(await msUntilOut({ authorization: `Bearer ${token}` }, () => end(userId))).toEqual(soon)
  }
})

test('who loses a scope is refused within a second, and told which one', async () => {
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
    const began = performance.now()
    await one.change()
    const { status, text } = await people.ask(one.proof, 'GET', one.path)
    expect(performance.now() - began).toBeLessThan(1000)
    expect([status, JSON.parse(text)]).toMatchObject([403, { missing_scope: one.missing }])
  }
})
