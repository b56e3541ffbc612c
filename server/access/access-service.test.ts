/** Sessions are opened once by the set-up link, outlive a restart, and end when they should. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { AccessService } from './access-service.ts'
import { SessionStore } from './session-store.ts'

const day = 24 * 60 * 60 * 1000

function service(db: Database, clock: { now: number }, apiKey?: string) {
  const revoked: string[] = []
  const access = new AccessService({
    store: new SessionStore(db),
    logger: createLogger('silent'),
    apiKey,
    now: () => clock.now,
    revoke: id => revoked.push(id),
  })
  return { access, revoked }
}

const withCookie = (sessionCookie: string) => ({ token: undefined, sessionCookie })
const withToken = (token: string) => ({ token, sessionCookie: undefined })

onEachDatabase(open => {
  test('a set-up link works once, and the session outlives a restart', async () => {
    const db = await open()
    const clock = { now: Date.now() }
    const { access } = service(db, clock)
    const token = access.createSetupToken()
    const { cookie, principal } = await access.openSession(token)
    await expect(access.openSession(token)).rejects.toMatchObject({ code: 'setup_token_invalid' })
    const { access: restarted } = service(db, clock)
    await restarted.start()
    expect(await restarted.authenticate(withCookie(cookie))).toMatchObject({ id: principal.id, kind: 'session' })
  })

  test('a session ends when it is signed out, unused for a week, or 30 days old', async () => {
    const db = await open()
    const clock = { now: Date.now() }
    const { access, revoked } = service(db, clock)
    const first = await access.openSession(access.createSetupToken())
    await access.closeSession(first.principal)
    expect(await access.authenticate(withCookie(first.cookie))).toBeUndefined()
    expect(revoked).toEqual([first.principal.id])

    const idle = await access.openSession(access.createSetupToken())
    clock.now += 8 * day
    expect(await access.authenticate(withCookie(idle.cookie))).toBeUndefined()

    const old = await access.openSession(access.createSetupToken())
    for (let days = 0; days < 29; days += 6) {
      expect(await access.authenticate(withCookie(old.cookie))).toMatchObject({ id: old.principal.id })
      clock.now += 6 * day
    }
    expect(await access.authenticate(withCookie(old.cookie))).toBeUndefined()
  })

  test('what is in the database opens nothing: only the hash of a cookie is kept', async () => {
    const db = await open()
    const { access } = service(db, { now: Date.now() })
    const { cookie } = await access.openSession(access.createSetupToken())
    const rows = await db.selectFrom('sessions').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(cookie)
    expect(await access.authenticate(withCookie(rows[0]!.token_hash))).toBeUndefined()
  })

  test('a set-up link is worth nothing after half an hour, or after a newer one', async () => {
    const db = await open()
    const clock = { now: Date.now() }
    const { access } = service(db, clock)
    const late = access.createSetupToken()
    clock.now += 31 * 60_000
    await expect(access.openSession(late)).rejects.toMatchObject({ code: 'setup_token_invalid' })
    const replaced = access.createSetupToken()
    access.createSetupToken()
    await expect(access.openSession(replaced)).rejects.toMatchObject({ code: 'setup_token_invalid' })
  })

  test('the API key of the environment is an administrator, and nothing else is', async () => {
    const { access } = service(await open(), { now: Date.now() }, 'a-key-of-the-environment')
    expect(await access.authenticate(withToken('a-key-of-the-environment'))).toMatchObject({ kind: 'api_key' })
    expect(await access.authenticate(withToken('a-key-of-the-environmenT'))).toBeUndefined()
    const { access: without } = service(await open(), { now: Date.now() })
    expect(await without.authenticate(withToken(''))).toBeUndefined()
  })
})
