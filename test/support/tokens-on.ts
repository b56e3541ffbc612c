/** API tokens on a database, with users who own them and counted database lookups. */
import type { Role } from '../../contract/access.ts'
import type { EventHub } from '../../server/events/event-hub.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { everyScope, type Principal, type PrincipalListener } from '../../server/platform/principal.ts'
import { type TokenInput, TokenService } from '../../server/tokens/token-service.ts'
import { TokenStore } from '../../server/tokens/token-store.ts'
import { Revocations } from '../../server/users/revocations.ts'
import { rightsOf } from '../../server/users/rights.ts'
import { UserStore } from '../../server/users/user-store.ts'
import { startHub } from './event-hub.ts'
import { madeUsersOn } from './made-users.ts'

export const minute = 60_000
export const apiKey: Principal = {
  id: 'api-key',
  name: 'API key',
  kind: 'api_key',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
}
export const reader: TokenInput = {
  name: 'Bot',
  scopes: ['mail:read'],
  accounts: ['a'],
  expires_at: null,
  allowed_addresses: [],
}

/** Counts lookups, and can delay or fail them. */
class WatchedTokenStore extends TokenStore {
  lookups = 0
  beforeAnswer: () => Promise<void> = async () => undefined
  isBroken = false

  override async findByHashes(tokenHashes: readonly string[]) {
    this.lookups += new Set(tokenHashes).size
    const rows = await super.findByHashes(tokenHashes)
    await this.beforeAnswer()
    return rows
  }

  override async listOf(userId: string) {
    if (this.isBroken) throw new Error('the database went away')
    return super.listOf(userId)
  }
}

interface Person {
  role: Role
  accounts: 'all' | string[]
  disabled: boolean
}

/** Accounts a, b and c exist. */
export function tokensOn(db: Database, hub: EventHub, listener?: PrincipalListener) {
  const clock = { now: Date.parse('2026-11-22T18:14:03.120Z') }
  const heard: string[] = []
  const store = new WatchedTokenStore(db)
  const users = new UserStore(db)
  const tokens = new TokenService({
    store,
    users,
    made: madeUsersOn(db),
    ended: async id => void heard.push(`ended ${id}`),
    revocations: new Revocations({ listener: { revoked: () => undefined }, logger: createLogger('silent') }),
    hub,
    accountIds: async () => new Set(['a', 'b', 'c']),
    now: () => clock.now,
    logger: createLogger('silent'),
    listener: listener ?? {
      changed: principal => heard.push(`changed ${principal.id}`),
      revoked: id => heard.push(`revoked ${id}`),
    },
  })
  const columns = ({ role, accounts, disabled }: Person) => ({
    role,
    accounts: JSON.stringify(accounts),
    disabled: disabled ? 1 : 0,
  })
  const session = (id: string, person: Person): Principal => ({
    id: `session-${id}`,
    name: id,
    kind: 'session',
    userId: id,
    ...rightsOf(columns(person)),
  })
  /** Creates a user with a session. */
  const signIn = async (id: string, role: Role, accounts: Person['accounts']) => {
    const person = { role, accounts, disabled: false }
    const at = new Date(clock.now).toISOString()
    await users.insert({
      id,
      email: `${id}@example.com`,
      name: `Name of ${id}`,
      ...columns(person),
      password_hash: null,
      totp_sealed: null,
      totp_last_step: 0,
      disabled_by: null,
      oidc_issuer: null,
      oidc_subject: null,
      created_at: at,
      updated_at: at,
      last_seen_at: null,
    })
    return session(id, person)
  }
  const become = async (id: string, person: Person) => {
    await users.update(id, columns(person))
    await tokens.known.follow(id)
    return session(id, person)
  }
  const who = async (token: string, address = '192.0.2.1') => tokens.known.authenticate(token, address)
  return { tokens, store, clock, heard, signIn, become, who, db }
}

export async function setUp(db?: Database) {
  const { hub, facts, db: opened } = await startHub(db)
  return { ...tokensOn(opened, hub), facts }
}
