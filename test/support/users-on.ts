/** Users on a test database, and the calls that revoke their sessions and tokens. */
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { PasskeyStore } from '../../server/users/passkey-store.ts'
import { UserService } from '../../server/users/user-service.ts'
import { UserStore } from '../../server/users/user-store.ts'
import type { UserRow } from '../../server/users/user-tables.ts'
import { aUser } from './a-user.ts'
import { startHub } from './event-hub.ts'
import { madeUsersOn } from './made-users.ts'
import { cheapHasher } from './passwords.ts'

export async function setUp(db: Database) {
  const { hub, facts } = await startHub(db)
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const store = new UserStore(db)
  const hasher = cheapHasher()
  /** Calls to sessions and tokens, with the number of facts published by then. */
  const asked: { what: 'ended' | 'changed'; userId: string; facts: number }[] = []
  /** Steps to take while these are under way, one for each. */
  const meanwhile: (() => Promise<unknown>)[] = []
  const ask = (what: 'ended' | 'changed') => async (userId: string) => {
    // Stands for their database query, which must not run inside a change.
    await store.find(userId)
    asked.push({ what, userId, facts: facts().length })
    await meanwhile.shift()?.()
  }
  const users = new UserService({
    store,
    passkeys: new PasskeyStore(db),
    made: madeUsersOn(db),
    hub,
    hasher,
    now: () => clock.now,
    logger: createLogger('silent'),
    baseUrl: () => 'https://mail.example.com',
    accountIds: async () => new Set(['work', 'home']),
    ended: ask('ended'),
    changed: ask('changed'),
    openSessions: async id =>
      [{ user_id: 'ann' }, { user_id: 'ann' }].filter(({ user_id }) => user_id === (id ?? 'ann')),
  })
  const add = async (id: string, change: Partial<UserRow> = {}) => {
    await store.insert(aUser({ id, password_hash: 'x', ...change }))
    return id
  }
  const addAdministrator = (id: string) => add(id, { role: 'administrator', accounts: '"all"' })
  return { users, store, hasher, clock, facts, asked, meanwhile, db, add, addAdministrator }
}

export function tokenOf(link: string): string {
  return link.split('#')[1] ?? ''
}

export function codesOf(results: PromiseSettledResult<unknown>[]): unknown[] {
  return results.flatMap(result => (result.status === 'rejected' ? [result.reason.code] : []))
}
