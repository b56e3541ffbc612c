/** Sessions outlive a restart, follow what their user may do, and end when they should. */
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { UserStore } from '../users/user-store.ts'
import type { UserRow } from '../users/user-tables.ts'
import { SessionService } from './session-service.ts'
import { SessionStore } from './session-store.ts'

const day = 24 * 60 * 60 * 1000
const from = { address: '192.0.2.1', userAgent: 'Browser/1.0' }

const noon = Date.parse('2026-11-22T12:00:00Z')

function service(db: Database, clock = { now: noon }, store = new SessionStore(db), users = new UserStore(db)) {
  const heard: (Principal | string)[] = []
  const sessions = new SessionService({
    store,
    users,
    now: () => clock.now,
    logger: createLogger('silent'),
    listener: { changed: principal => heard.push(principal), revoked: id => heard.push(id) },
  })
  return { sessions, users, heard, clock, restarted: () => service(db, clock) }
}

async function withUser(db: Database, change: Partial<UserRow> = {}) {
  const user = aUser({ role: 'operator', accounts: '["a1"]', password_hash: 'a hash', ...change })
  const parts = service(db)
  await parts.users.insert(user)
  return { ...parts, user, open: () => parts.sessions.open(user, 'password', from) }
}

onEachDatabase(open => {
  test('a session is known by its cookie alone, with the rights of its user, and outlives a restart', async () => {
    const db = await open()
    const { user, open: openOne, restarted, clock } = await withUser(db)
    const { cookie, principal } = await openOne()
    expect(principal).toMatchObject({ kind: 'session', name: user.name, userId: user.id, endsAt: clock.now + 30 * day })
    expect(principal.accounts).toEqual(new Set(['a1']))
    expect([...principal.scopes].sort()).toEqual(['dashboard:operate', 'dashboard:read', 'mail:meta', 'mail:read'])
    const { sessions } = restarted()
    await sessions.start()
    expect(await sessions.authenticate(cookie)).toEqual(principal)
    const rows = await db.selectFrom('sessions').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(cookie)
    expect(await sessions.authenticate(rows[0]!.token_hash)).toBeUndefined()
    expect(await sessions.authenticate('x'.repeat(500))).toBeUndefined()
  })

  test('a session ends when it is unused for a week, or 30 days old', async () => {
    const { sessions, clock, open: openOne } = await withUser(await open())
    const idle = await openOne()
    clock.now += 8 * day
    expect(await sessions.authenticate(idle.cookie)).toBeUndefined()
    const old = await openOne()
    for (let days = 0; days < 29; days += 6) {
      expect(await sessions.authenticate(old.cookie)).toMatchObject({ id: old.principal.id })
      clock.now += 6 * day
    }
    expect(await sessions.authenticate(old.cookie)).toBeUndefined()
    expect(await sessions.list()).toEqual([])
  })

  test('why a session ended is known to anyone who has its cookie, and to nobody else', async () => {
    const { sessions, clock, user, users, open: openOne, restarted } = await withUser(await open())
    const idOf = ({ principal }: { principal: Principal }) => principal.id.slice('session-'.length)
    const [kicked, left, other, own] = [await openOne(), await openOne(), await openOne(), await openOne()]
    expect(sessions.whyEnded(kicked.cookie)).toBeNull()
    await sessions.end(idOf(kicked), 'ended_by_administrator')
    await sessions.end(idOf(left))
    await sessions.endAllOf(user.id, 'password_changed', idOf(own))
    const why = [kicked, left, other, own].map(({ cookie }) => sessions.whyEnded(cookie))
    expect(why).toEqual(['ended_by_administrator', null, 'password_changed', null])
    expect([undefined, 'made-up', 'x'.repeat(500)].map(cookie => sessions.whyEnded(cookie))).toEqual([null, null, null])

    clock.now += 8 * day
    expect(await sessions.authenticate(own.cookie)).toBeUndefined()
    expect(sessions.whyEnded(own.cookie)).toBe('expired')
    // Cleaned up at a start, before its browser returned.
    const later = restarted().sessions
    await later.start()
    expect(later.whyEnded(own.cookie)).toBe('expired')

    const last = await openOne()
    await users.update(user.id, { disabled: 1 })
    await sessions.userChanged(user.id)
    expect(sessions.whyEnded(last.cookie)).toBe('user_disabled')
  })

  test('sessions end one by one, all of one user, or all but this one; anyone who listens hears of each', async () => {
    const { sessions, heard, user, users, open: openOne } = await withUser(await open())
    const other = aUser({ password_hash: 'a hash' })
    await users.insert(other)
    const stranger = await sessions.open(other, 'oidc', from)
    const [one, two, three] = [await openOne(), await openOne(), await openOne()]
    const open$ = async () => {
      const all = [one, two, three, stranger]
      const known = await Promise.all(all.map(({ cookie }) => sessions.authenticate(cookie)))
      return known.map(principal => principal !== undefined)
    }
    await sessions.end(one.principal.id.slice('session-'.length))
    expect(await open$()).toEqual([false, true, true, true])
    await sessions.endAllOf(user.id, 'password_changed', three.principal.id.slice('session-'.length))
    expect(await open$()).toEqual([false, false, true, true])
    await sessions.endAllOf(user.id, 'ended_elsewhere')
    expect(await open$()).toEqual([false, false, false, true])
    expect(heard).toEqual([one, two, three].map(({ principal }) => principal.id))
    expect((await sessions.list()).map(row => [row.user_id, row.method])).toEqual([[other.id, 'oidc']])
  })

  test('what a user may do changes in all open sessions at once, also in those that are not in memory', async () => {
    const { users, user, open: openOne, restarted } = await withUser(await open())
    const [known, unknown] = [await openOne(), await openOne()]
    const { sessions, heard } = restarted()
    await sessions.authenticate(known.cookie)
    await users.update(user.id, { role: 'viewer', accounts: '[]', name: 'Anna B.' })
    await sessions.userChanged(user.id)
    const expected = { name: 'Anna B.', scopes: new Set(['dashboard:read']), accounts: new Set() }
    expect(await sessions.authenticate(known.cookie)).toMatchObject({ id: known.principal.id, ...expected })
    expect(heard.map(principal => (typeof principal === 'string' ? principal : principal.id)).sort()).toEqual(
      [known.principal.id, unknown.principal.id].sort(),
    )
    for (const principal of heard) expect(principal).toMatchObject(expected)
  })

  test('a disabled or deleted user is signed out, and what they have open is closed', async () => {
    const db = await open()
    const { sessions, users, user, heard, open: openOne } = await withUser(db)
    const first = await openOne()
    await users.update(user.id, { disabled: 1 })
    await sessions.userChanged(user.id)
    expect(await sessions.authenticate(first.cookie)).toBeUndefined()
    await users.update(user.id, { disabled: 0 })
    expect(await sessions.authenticate(first.cookie)).toBeUndefined()
    const second = await openOne()
    // The rows go along with the user; memory must not remember.
    await users.delete(user.id)
    await sessions.endAllOf(user.id, 'ended_elsewhere')
    expect(await sessions.authenticate(second.cookie)).toBeUndefined()
    expect(heard).toEqual([first.principal.id, second.principal.id])
  })

  test('a user who is disabled or reset while signing in is not signed in', async () => {
    const { sessions, users, user } = await withUser(await open())
    for (const change of [{ disabled: 1 }, { disabled: 0, password_hash: null }]) {
      await users.update(user.id, change)
      await expect(sessions.open(user, 'password', from)).rejects.toMatchObject({ code: 'sign_in_failed' })
    }
    await users.delete(user.id)
    await expect(sessions.open(user, 'password', from)).rejects.toMatchObject({ code: 'sign_in_failed' })
    expect(await sessions.list()).toEqual([])
  })

  test('what changes or ends while a session is read from the database is not undone by what was read before', async () => {
    const db = await open()
    const { open: openOne, users, user } = await withUser(db)
    const [first, second] = [await openOne(), await openOne()]
    let between: () => Promise<void> = async () => undefined
    class SlowStore extends SessionStore {
      override async findByHashes(hashes: readonly string[]) {
        const found = await super.findByHashes(hashes)
        const step = between
        between = async () => undefined
        await step()
        return found
      }
    }
    const { sessions } = service(db, { now: noon }, new SlowStore(db))
    between = async () => {
      await users.update(user.id, { role: 'viewer' })
      await sessions.userChanged(user.id)
    }
    const scopes = new Set(['dashboard:read'])
    expect(await sessions.authenticate(first.cookie)).toMatchObject({ scopes })
    expect(await sessions.authenticate(first.cookie)).toMatchObject({ scopes })
    between = () => sessions.end(second.principal.id.slice('session-'.length))
    expect(await sessions.authenticate(second.cookie)).toBeUndefined()
    expect(await sessions.authenticate(second.cookie)).toBeUndefined()
  })

  test('what changes between the commit of a new session and its first use holds for it', async () => {
    const db = await open()
    const { users, user } = await withUser(db)
    let committed: () => Promise<void> = async () => undefined
    class SlowStore extends SessionStore {
      override async transact<Result>(work: (transaction: Database) => Promise<Result>) {
        const result = await super.transact(work)
        await committed()
        return result
      }
    }
    const { sessions } = service(db, { now: noon }, new SlowStore(db))
    committed = async () => {
      await users.update(user.id, { role: 'viewer' })
      await sessions.userChanged(user.id)
    }
    const { cookie, principal } = await sessions.open(user, 'password', from)
    expect(principal.scopes).toEqual(new Set(['dashboard:read']))
    expect(await sessions.authenticate(cookie)).toMatchObject({ scopes: principal.scopes })
    committed = async () => {
      await users.update(user.id, { disabled: 1 })
      await sessions.userChanged(user.id)
    }
    await expect(sessions.open(user, 'password', from)).rejects.toMatchObject({ code: 'sign_in_failed' })
    expect(await sessions.authenticate(cookie)).toBeUndefined()
    expect(await sessions.list()).toEqual([])
  })

  test('opening one is a transaction of three statements, and one before it that ends what is over', async () => {
    const db = await open()
    const { user } = await withUser(db)
    const statements: string[] = []
    const counted = db.withPlugin({
      transformQuery: ({ node }) => {
        statements.push(node.kind)
        return node
      },
      transformResult: async ({ result }) => result,
    })
    const { sessions } = service(counted)
    const { user: opened } = await sessions.open(user, 'password', from)
    expect(statements).toEqual(['DeleteQueryNode', 'UpdateQueryNode', 'InsertQueryNode', 'DeleteQueryNode'])
    expect(opened).toMatchObject({ id: user.id, last_seen_at: new Date(noon).toISOString() })
  })

  test('a session that cannot be kept leaves no trace', async () => {
    const db = await open()
    const { users, user } = await withUser(db)
    class FullStore extends SessionStore {
      override deleteSurplus(): Promise<never> {
        return Promise.reject(new Error('the disk is full'))
      }
    }
    const { sessions } = service(db, { now: noon }, new FullStore(db))
    await expect(sessions.open(user, 'password', from)).rejects.toThrow('the disk is full')
    expect(await db.selectFrom('sessions').selectAll().execute()).toEqual([])
    expect((await users.find(user.id))?.last_seen_at).toBeNull()
  })

  test('a session that is read from the database while it ends does not come back', async () => {
    const { open: openOne, restarted } = await withUser(await open())
    const { cookie, principal } = await openOne()
    const { sessions } = restarted()
    const reading = sessions.authenticate(cookie)
    await sessions.end(principal.id.slice('session-'.length))
    await reading
    expect(await sessions.authenticate(cookie)).toBeUndefined()
  })

  test('at most fifty are open for one user: the oldest ends', async () => {
    const { sessions, clock, heard, open: openOne, user } = await withUser(await open())
    const first = await openOne()
    for (let count = 1; count < 51; count++) {
      clock.now += 1000
      await openOne()
    }
    expect(await sessions.list(user.id)).toHaveLength(50)
    expect(await sessions.authenticate(first.cookie)).toBeUndefined()
    expect(heard).toEqual([first.principal.id])
  })
})

test('a session of a user who was disabled while nobody listened lets nobody in', async () => {
  const db = await memoryDatabase()
  const { user, users, open, restarted } = await withUser(db)
  const { cookie } = await open()
  // As by a command beside the server, or by a restored backup.
  await users.update(user.id, { disabled: 1 })
  expect(await restarted().sessions.authenticate(cookie)).toBeUndefined()
})

test('a look-up that fails is not remembered: the next request looks again', async () => {
  const db = await memoryDatabase()
  const { open } = await withUser(db)
  const { cookie, principal } = await open()
  let isAway = true
  class AwayStore extends SessionStore {
    override findByHashes(hashes: readonly string[]) {
      return isAway ? Promise.reject(new Error('the database is away')) : super.findByHashes(hashes)
    }
  }
  const { sessions } = service(db, { now: noon }, new AwayStore(db))
  await expect(sessions.authenticate(cookie)).rejects.toThrow('away')
  isAway = false
  expect(await sessions.authenticate(cookie)).toMatchObject({ id: principal.id })
})

test('changes of a user are followed in turn: what was read first is not applied last, and a failure ends nothing', async () => {
  const db = await memoryDatabase()
  const { user, users } = await withUser(db)
  const gates: Promise<void>[] = []
  class SlowUsers extends UserStore {
    override async find(id: string) {
      const found = await super.find(id)
      await gates.shift()
      return found
    }
  }
  const { sessions } = service(db, { now: noon }, new SessionStore(db), new SlowUsers(db))
  const { cookie } = await sessions.open(user, 'password', from)
  const slow = Promise.withResolvers<void>()
  gates.push(slow.promise)
  const first = sessions.userChanged(user.id)
  await users.update(user.id, { role: 'viewer' })
  const second = sessions.userChanged(user.id)
  // Time enough for the second to overtake the first.
  await users.find(user.id)
  await sessions.list()
  slow.resolve()
  await Promise.all([first, second])
  expect(await sessions.authenticate(cookie)).toMatchObject({ scopes: new Set(['dashboard:read']) })

  const failure = Promise.withResolvers<void>()
  gates.push(failure.promise)
  const failing = sessions.userChanged(user.id)
  failure.reject(new Error('the database is away'))
  await expect(failing).rejects.toThrow('away')
  await users.update(user.id, { role: 'administrator', accounts: '"all"' })
  await sessions.userChanged(user.id)
  expect(await sessions.authenticate(cookie)).toMatchObject({ accounts: 'all' })
})

test('a session that was seen before does not touch the database, and its use is noted now and then', async () => {
  const db = await memoryDatabase()
  const { clock, restarted, users, user, open } = await withUser(db)
  const { cookie, principal } = await open()
  const { sessions } = restarted()
  await sessions.authenticate(cookie)
  for (let minutes = 0; minutes < 5; minutes++) {
    // Not a promise: nothing was awaited.
    expect(sessions.authenticate(cookie)).toMatchObject({ id: principal.id })
    clock.now += 61_000
  }
  const used = new Date(clock.now).toISOString()
  await sessions.authenticate(cookie)
  await expect.poll(async () => (await users.find(user.id))?.last_seen_at).toBe(used)
  expect((await sessions.list(user.id)).map(row => row.last_seen_at)).toEqual([used])
})

test('of more than ten thousand sessions in use, the one cached first is looked up again', async () => {
  const row = { id: 's', user_id: 'u', method: 'password', ip_address: '', user_agent: '', name: 'Ann', role: 'viewer' }
  const times = {
    created_at: '',
    last_seen_at: new Date(noon).toISOString(),
    expires_at: new Date(noon + day).toISOString(),
  }
  const rows = async (hashes: readonly string[]) =>
    hashes.map(token_hash => ({ ...row, ...times, token_hash, accounts: '[]', disabled: 0 }))
  const sessions = new SessionService({
    store: { findByHashes: rows } as unknown as SessionStore,
    users: new UserStore(await memoryDatabase()),
    now: () => noon,
    logger: createLogger('silent'),
    listener: { changed: () => undefined, revoked: () => undefined },
  })
  for (let first = 0; first < 10_001; first += 64) {
    const some = Array.from({ length: Math.min(64, 10_001 - first) }, (_, index) => `cookie-${first + index}`)
    await Promise.all(some.map(cookie => sessions.authenticate(cookie)))
  }
  expect(sessions.authenticate('cookie-1')).not.toBeInstanceOf(Promise)
  expect(sessions.authenticate('cookie-0')).toBeInstanceOf(Promise)
})

test('unknown cookies are looked up 64 at a time, equal ones once, and further ones are asked to retry', async () => {
  const held = Promise.withResolvers<[]>()
  const asked: (readonly string[])[] = []
  const findByHashes = (hashes: readonly string[]) => {
    asked.push(hashes)
    return held.promise
  }
  const sessions = new SessionService({
    store: { findByHashes } as unknown as SessionStore,
    users: new UserStore(await memoryDatabase()),
    now: () => 0,
    logger: createLogger('silent'),
    listener: { changed: () => undefined, revoked: () => undefined },
  })
  const waiting = Array.from({ length: 64 }, (_, index) => sessions.authenticate(`wrong-${index}`))
  waiting.push(sessions.authenticate('wrong-0'))
  await expect(sessions.authenticate('one more')).rejects.toMatchObject({ code: 'overloaded' })
  held.resolve([])
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]))
  // 16 per statement, since they came in one turn of the loop.
  expect(asked).toHaveLength(4)
  expect(new Set(asked.flat()).size).toBe(64)
  expect(await sessions.authenticate('one more')).toBeUndefined()
})
