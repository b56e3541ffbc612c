/**
 * Whatever is revoked while the database rejects writes is rejected within a second, and is stored once writes work
 * again.
 */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Database, openDatabase } from '../../server/platform/database/database.ts'
import type { DatabaseObserver } from '../../server/platform/database/database-health.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { openStream } from '../support/open-stream.ts'
import { type People, type Proof, startApp } from '../support/people.ts'

const stats = api.metrics.getStats.path
const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)

async function startWithSwitch() {
  const opened = Promise.withResolvers<Database>()
  const open = (observer: DatabaseObserver) => {
    const database = openDatabase('sqlite::memory:', observer)
    opened.resolve(database)
    return database
  }
  const lines: string[] = []
  const logger = createLogger('info', { write: line => void lines.push(line) })
  const { people } = await startApp({ overrides: { openDatabase: open, logger } })
  const database = await opened.promise
  /** Causes SQLITE_READONLY on every write, as on a disk that was remounted read-only. */
  const setReadOnly = (on: boolean) => sql.raw(`pragma query_only = ${on ? 1 : 0}`).execute(database)
  return { people, setReadOnly, lines }
}

const statusOf = async (people: People, proof: Proof) => (await people.ask(proof, 'GET', stats)).status

test('a token, a session and a person are out at once, are told so, and stay out for good', async () => {
  const { people, setReadOnly, lines } = await startWithSwitch()
  const { admin } = people
  const token = await people.token(['dashboard:read'])
  const left = await people.token(['dashboard:read'])
  const [disabled, deleted, sentAway] = [
    await people.invite('viewer'),
    await people.invite('operator'),
    await people.invite('viewer'),
  ]
  const sessionOf = async (userId: string) => {
    const path = `${api.access.listSessions.path}?user_id=${userId}`
    const { items } = await people.tell<{ items: { id: string }[] }>(admin, 'GET', path)
    return items[0]!.id
  }
  const session = await sessionOf(sentAway.userId)
  const proofs = [token.proof, disabled.proof, deleted.proof, sentAway.proof]
  for (const proof of [...proofs, left.proof]) expect(await statusOf(people, proof)).toBe(200)
  const streams = await Promise.all(
    [...proofs, left.proof].map(async proof => {
      const stream = await openStream(`${people.url}${api.events.streamEvents.path}`, proof)
      await stream.next('welcome')
      return stream
    }),
  )
  await setReadOnly(true)
  const change = { path: fill(api.users.changeUser.path, disabled.userId), body: { disabled: true } }
  const answers = [
    await people.ask(admin, 'DELETE', fill(api.tokens.revokeToken.path, token.id)),
    await people.ask(admin, 'PATCH', change.path, change.body),
    await people.ask(admin, 'DELETE', fill(api.users.deleteUser.path, deleted.userId)),
    await people.ask(admin, 'DELETE', fill(api.access.endSession.path, session)),
  ]
  for (const { status, headers, text } of answers) {
    expect([status, headers.get('retry-after'), JSON.parse(text).detail]).toEqual([
      503,
      '10',
      expect.stringContaining('It is revoked from now on, but could not be stored'),
    ])
  }
  for (const proof of proofs) expect(await statusOf(people, proof)).toBe(401)
  for (const stream of streams.slice(0, 4)) {
    await stream.ended
    expect(stream.events.at(-1)).toMatchObject({ event: 'goodbye', data: { reason: 'revoked' } })
  }
  // Users that were not named keep working.
  expect(await statusOf(people, left.proof)).toBe(200)
  expect(streams[4]!.events.some(({ event }) => event === 'goodbye')).toBe(false)

  await setReadOnly(false)
  await expect.poll(() => lines.filter(line => line.includes('is stored')).length).toBe(4)
  for (const proof of proofs) expect(await statusOf(people, proof)).toBe(401)
  const { items: tokens } = await people.tell<{ items: { id: string }[] }>(admin, 'GET', api.tokens.listTokens.path)
  expect(tokens.map(({ id }) => id)).toEqual([left.id])
  const { items: users } = await people.tell<{ items: { id: string; status: string }[] }>(
    admin,
    'GET',
    api.users.listUsers.path,
  )
  expect(users.find(({ id }) => id === disabled.userId)?.status).toBe('disabled')
  expect(users.some(({ id }) => id === deleted.userId)).toBe(false)
  const revoked = `${api.audit.listAudit.path}?operation=tokens.revokeToken&limit=10`
  const { items: entries } = await people.tell<{ items: { outcome: string }[] }>(admin, 'GET', revoked)
  expect(entries.map(({ outcome }) => outcome)).toEqual(['revocation_not_stored'])
})

test('nothing else comes in that way: who may not revoke is refused, and other changes are', async () => {
  const { people, setReadOnly, lines } = await startWithSwitch()
  const { admin } = people
  const token = await people.token(['dashboard:read'])
  const viewer = await people.invite('viewer')
  const { items } = await people.tell<{ items: { id: string; role: string }[] }>(admin, 'GET', api.users.listUsers.path)
  const chief = items.find(({ role }) => role === 'administrator')!.id
  await setReadOnly(true)
  const ask = async (proof: Proof, method: string, path: string, body?: unknown) => {
    const { status, text } = await people.ask(proof, method, path, body)
    return [status, JSON.parse(text).code]
  }
  expect(await ask(viewer.proof, 'DELETE', fill(api.tokens.revokeToken.path, token.id))).toEqual([
    404,
    'token_not_found',
  ])
  expect(await ask(viewer.proof, 'DELETE', fill(api.users.deleteUser.path, chief))).toEqual([403, 'forbidden'])
  expect(await ask(admin, 'DELETE', fill(api.users.deleteUser.path, chief))).toEqual([409, 'last_administrator'])
  expect(await ask(admin, 'DELETE', fill(api.tokens.revokeToken.path, 'none'))).toEqual([404, 'token_not_found'])
  for (const proof of [admin, viewer.proof, token.proof]) expect(await statusOf(people, proof)).toBe(200)
  // Once the trail is known to be unwritable, changes that do not revoke are refused up front.
  const path = fill(api.users.changeUser.path, viewer.userId)
  await expect
    .poll(async () => (await people.ask(admin, 'PATCH', path, { role: 'administrator' })).text)
    .toContain('The audit trail cannot be written')
  expect((await people.ask(admin, 'PATCH', path, { disabled: true })).text).toContain('It is revoked from now on')
  // Repeated, since the slots are shared by all.
  for (let number = 0; number < 10; number++) {
    expect(await ask(admin, 'PATCH', path, { disabled: true })).toEqual([503, 'revocation_not_stored'])
  }
  await setReadOnly(false)
  const isStored = () => lines.filter(line => line.includes('is stored')).length
  await expect.poll(isStored).toBe(4)
  // What was refused up front is counted, and what took effect is recorded.
  const changes = `${api.audit.listAudit.path}?operation=users.changeUser&limit=100`
  const told = async () =>
    (await people.tell<{ items: { outcome: string }[] }>(admin, 'GET', changes)).items.filter(
      ({ outcome }) => outcome === 'revocation_not_stored',
    ).length
  await expect.poll(told).toBe(11)
})
