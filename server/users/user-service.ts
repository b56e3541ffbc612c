/** Users: invites, changes, resets and deletes them. One administrator who can sign in always remains. */
import type { AccountAccess } from '../../contract/access.ts'
import type { DisabledBy, MadeUser, User, UserLink } from '../../contract/users.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { PasskeyStore } from './passkey-store.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { checkPasswordStrength } from './password-strength.ts'
import { hasRights, type Rights, rightsOf } from './rights.ts'
import type { UserActions } from './user-actions.ts'
import {
  addUser,
  changeUser,
  lastAdministrator,
  leaveOneAdministrator,
  named,
  rightsByNow,
  type WantedUser,
  type Writing,
} from './user-change.ts'
import { UserLinks } from './user-links.ts'
import {
  type Invitation,
  mergeChange,
  type NewAdministrator,
  type Reset,
  statusOf,
  toUser,
  type UserChange,
  writeAccounts,
} from './user-row.ts'
import type { UserStore } from './user-store.ts'
import type { UserRow } from './user-tables.ts'

export interface UserServiceOptions {
  store: UserStore
  passkeys: Pick<PasskeyStore, 'countOf' | 'deleteAllOf'>
  made: Pick<UserActions, 'note' | 'isRaised' | 'list' | 'end'>
  hub: Pick<EventHub, 'transact'>
  hasher: Pick<PasswordHasher, 'hash'>
  now: () => number
  logger: Logger
  /** The base URL of RustyMail, without a trailing slash. */
  baseUrl: () => string
  accountIds: () => Promise<ReadonlySet<string>>
  /** Ends what a user has open: sessions, and what tokens hold. Must not fail if there is nothing. */
  ended: (userId: string) => Promise<void>
  /** Called after a change, so that sessions and tokens follow the database. */
  changed: (userId: string) => Promise<void>
  /** Returns the open sessions of one user, or of all. */
  openSessions: (userId?: string) => Promise<readonly { user_id: string }[]>
}

const hour = 60 * 60_000
const invitationLifeMs = 7 * 24 * hour
const resetLifeMs = 24 * hour
const keepTokens: Reset = { revoke_tokens: false }
const enabled = { disabled: 0, disabled_by: null } as const

export class UserService {
  readonly #options: UserServiceOptions
  readonly #links: UserLinks
  /** True once there is an administrator, since one always remains. */
  #isSetUp = false

  constructor(options: UserServiceOptions) {
    this.#options = options
    this.#links = new UserLinks(options)
  }

  async list(principal: Principal): Promise<User[]> {
    const { store, accountIds, openSessions } = this.#options
    const [rows, known, passkeys, tokens, open] = await Promise.all([
      store.list(),
      accountIds(),
      store.countAllPasskeys(),
      store.countAllTokens(),
      openSessions(),
    ])
    const sessions = new Map<string, number>()
    for (const { user_id } of open) sessions.set(user_id, (sessions.get(user_id) ?? 0) + 1)
    const isSeen = (id: string) => known.has(id) && maySeeAccount(principal, id)
    const figuresOf = (id: string) => ({
      passkeys: passkeys.get(id) ?? 0,
      sessions: sessions.get(id) ?? 0,
      tokens: tokens.get(id) ?? 0,
    })
    return rows.map(row => toUser(row, { ...figuresOf(row.id), isSeen }))
  }

  /** Invites a user, again if not accepted yet; the previous link becomes invalid. */
  async invite(principal: Principal, { email, name, role, accounts }: Invitation): Promise<UserLink> {
    await this.#checkAccounts(principal, accounts)
    const wanted = { email: email.toLowerCase(), name, role, accounts: writeAccounts(role, accounts), ...enabled }
    this.#refuseBeyond(principal, wanted)
    const { row, link } = await this.#write(async writing => {
      const row = await this.#keep(await rightsByNow(principal, writing), wanted, writing)
      await this.#options.made.note(principal, 'invited', row.id, writing)
      return { row, link: await this.#links.renew(row.id, invitationLifeMs, writing.transaction) }
    })
    await this.#options.changed(row.id)
    this.#options.logger.info({ user: row.id, role, by: principal.id }, 'a user was invited')
    return { user: await this.#view(principal, row), ...link }
  }

  /** Changes a user; what they have open follows before this resolves, also on a retry that changes nothing. */
  async change(
    principal: Principal,
    userId: string,
    change: UserChange,
    by: DisabledBy = 'administrator',
  ): Promise<User> {
    if (change.accounts) await this.#checkAccounts(principal, change.accounts)
    const row = await this.#write(async writing => {
      const before = await this.#get(userId, writing)
      const after = mergeChange(before, change, by)
      const holder = await rightsByNow(principal, writing)
      this.#refuseBeyond(holder, before)
      this.#refuseBeyond(holder, after)
      const { made } = this.#options
      // A provider's changes are not recorded, since it raises users and undoes that automatically.
      if (by === 'administrator' && made.isRaised(before, after)) await made.note(principal, 'raised', userId, writing)
      // A link left somewhere would otherwise let its holder in once the user is enabled again.
      if (after.disabled) await writing.store.deleteLinksOf(userId, writing.transaction)
      return changeUser(before, after, writing)
    })
    await this.#options.changed(userId)
    return this.#view(principal, row)
  }

  /** Removes all ways to sign in but a provider's, optionally tokens too; ends sessions, and returns a new link. */
  async reset(principal: Principal, userId: string, { revoke_tokens: revokes }: Reset = keepTokens): Promise<UserLink> {
    const { store, passkeys, ended, logger } = this.#options
    const { row, link } = await this.#write(async writing => {
      const { transaction, publish, at } = writing
      const before = await this.#get(userId, writing)
      this.#refuseBeyond(await rightsByNow(principal, writing), before)
      await this.#options.made.note(principal, 'reset', userId, writing)
      const row = { ...before, password_hash: null, totp_sealed: null, updated_at: at }
      await leaveOneAdministrator(writing, async () => {
        await store.update(userId, row, transaction)
        await store.replaceRecoveryCodes(userId, [], transaction)
        await passkeys.deleteAllOf(userId, transaction)
      })
      const revoked = revokes ? await store.deleteTokensOf(userId, transaction) : []
      publish({ type: 'user_updated', data: { ...named(row), changed: ['password', 'totp', 'passkeys'] } })
      for (const { id, name } of revoked) {
        publish({ type: 'token_revoked', data: { token_id: id, name, user_id: userId, at } })
      }
      return { row, link: await this.#links.renew(userId, resetLifeMs, transaction) }
    })
    await ended(userId)
    logger.info({ user: userId, by: principal.id, tokens_revoked: revokes }, 'a user was reset')
    return { user: await this.#view(principal, row), ...link }
  }

  /** Lists the users that they invited, reset or raised, in person or by their tokens. */
  async listMade(userId: string): Promise<MadeUser[]> {
    const row = await this.#options.store.find(userId)
    if (!row) throw new Problem('user_not_found', 'There is no such user.')
    return this.#options.made.list({ userId })
  }

  /**
   * Disables a user, ends what is open, and then deletes and announces it. @returns The ended users.
   * @param endsMade Also ends all users that they made.
   */
  async delete(principal: Principal, userId: string, endsMade = false): Promise<string[]> {
    const { store, made, ended, logger } = this.#options
    const others = await this.#write(async writing => {
      this.#refuseBeyond(await rightsByNow(principal, writing), await this.#get(userId, writing))
      await leaveOneAdministrator(writing, () =>
        store.update(userId, { disabled: 1, disabled_by: 'administrator' }, writing.transaction),
      )
      return endsMade ? made.end(principal, { userId }, writing) : []
    })
    for (const id of [userId, ...others]) await ended(id)
    await this.#write(async writing => {
      const { transaction, publish, at } = writing
      const row = await store.find(userId, transaction)
      if (!row) return
      await leaveOneAdministrator(writing, () => store.delete(userId, transaction))
      publish({ type: 'user_removed', data: { ...named(row), at } })
    })
    // Another administrator may have enabled the user in between.
    await ended(userId)
    logger.info({ user: userId, by: principal.id, ended: others.length }, 'a user was deleted')
    return others
  }

  /** Reads only. @throws Problem for callers that may not end this user, and for the last administrator. */
  async checkMayEnd(principal: Principal, userId: string): Promise<void> {
    const { store } = this.#options
    const row = await store.find(userId)
    if (!row) throw new Problem('user_not_found', 'There is no such user.')
    this.#refuseBeyond(principal, row)
    const isAdministrator = row.role === 'administrator' && !row.disabled
    if (isAdministrator && (await store.countAdministrators()) <= 1) throw lastAdministrator()
  }

  async readLink(linkToken: string): Promise<{ email: string; name: string; expires_at: string }> {
    const { user, expiresAt } = await this.#links.open(linkToken)
    return { email: user.email, name: user.name, expires_at: expiresAt }
  }

  /** Sets a password by a link, which only an accepted password uses up. */
  async acceptLink({ link_token, password }: { link_token: string; password: string }): Promise<UserRow> {
    const { store, hasher, logger } = this.#options
    const { user } = await this.#links.open(link_token)
    await checkPasswordStrength(password, [user.email, user.name])
    const password_hash = await hasher.hash(password)
    const row = await this.#write(async ({ transaction, publish, at }) => {
      // Checked again: meanwhile it may have been used, or replaced.
      const { user: current } = await this.#links.open(link_token, transaction)
      const after = { ...current, password_hash, updated_at: at }
      await store.update(current.id, after, transaction)
      await store.deleteLinksOf(current.id, transaction)
      publish({ type: 'user_updated', data: { ...named(after), changed: ['password'] } })
      return after
    })
    logger.info({ user: row.id }, 'a user chose a password with a link')
    return row
  }

  /** For set-up and the command line, where no user is signed in. An invited user becomes an administrator. */
  async createAdministrator({ email, name, password, onlyIfNone = false }: NewAdministrator): Promise<UserRow> {
    const { store, hasher, changed, logger } = this.#options
    await checkPasswordStrength(password, [email, name])
    const password_hash = await hasher.hash(password)
    const role = 'administrator'
    const wanted = { email: email.toLowerCase(), name, role, accounts: writeAccounts(role, 'all'), ...enabled }
    const row = await this.#write(async writing => {
      const { transaction } = writing
      if (onlyIfNone && (await store.countAdministrators(transaction)) > 0) {
        throw new Problem('setup_done', 'An administrator already exists; sign in, or ask them for an invitation.')
      }
      const kept = await this.#keep(rightsOf(wanted), wanted, writing)
      await store.update(kept.id, { password_hash }, transaction)
      await store.deleteLinksOf(kept.id, transaction)
      return { ...kept, password_hash }
    })
    await changed(row.id)
    logger.info({ user: row.id }, 'an administrator was created')
    return row
  }

  async needsSetup(): Promise<boolean> {
    this.#isSetUp ||= (await this.#options.store.countAdministrators()) > 0
    return !this.#isSetUp
  }

  #write<Result>(work: (writing: Writing) => Promise<Result>): Promise<Result> {
    const { hub, store, now } = this.#options
    const at = new Date(now()).toISOString()
    return hub.transact((transaction, publish) => work({ store, transaction, publish, at }))
  }

  /** Adds a new user, or updates one who was invited and has not accepted yet. */
  async #keep(holder: Rights, wanted: WantedUser, writing: Writing): Promise<UserRow> {
    const { store, passkeys } = this.#options
    const known = await store.findByEmail(wanted.email, writing.transaction)
    if (!known) return addUser(wanted, writing)
    const status = statusOf(known, await passkeys.countOf(known.id, writing.transaction))
    if (status === 'invited') {
      this.#refuseBeyond(holder, known)
      return changeUser(known, wanted, writing)
    }
    const words = status === 'disabled' ? 'is disabled; enable them instead.' : 'is already a user.'
    throw new Problem('user_exists', `${known.email} ${words}`)
  }

  async #get(userId: string, { store, transaction }: Writing): Promise<UserRow> {
    const row = await store.find(userId, transaction)
    if (!row) throw new Problem('user_not_found', 'There is no such user.')
    return row
  }

  /** A restricted administrator's token must not gain rights by means of another user. */
  #refuseBeyond(holder: Rights, user: Pick<UserRow, 'role' | 'accounts'>): void {
    if (hasRights(holder, rightsOf(user))) return
    throw new Problem('beyond_own_rights', 'This involves scopes or accounts that you do not have yourself.')
  }

  /** Answers for hidden accounts as if they did not exist. */
  async #checkAccounts(principal: Principal, accounts: AccountAccess): Promise<void> {
    if (accounts === 'all') return
    const known = await this.#options.accountIds()
    if (accounts.every(id => known.has(id) && maySeeAccount(principal, id))) return
    throw new Problem('account_not_found', 'One of these accounts does not exist.')
  }

  async #view(principal: Principal, row: UserRow): Promise<User> {
    const { passkeys, store, openSessions, accountIds } = this.#options
    const [known, count, tokens, open] = await Promise.all([
      accountIds(),
      passkeys.countOf(row.id),
      store.countAllTokens(),
      openSessions(row.id),
    ])
    const isSeen = (id: string) => known.has(id) && maySeeAccount(principal, id)
    return toUser(row, { passkeys: count, sessions: open.length, tokens: tokens.get(row.id) ?? 0, isSeen })
  }
}
