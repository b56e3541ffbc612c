/** Maps a provider's identity to a user: finds, links or adds the user, and updates the role by the groups. */
import { Email, PersonName, Role } from '../../contract/access.ts'
import type { SessionService, Whence } from '../access/session-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { People } from '../users/people.ts'
import { addUser, named, type Writing } from '../users/user-change.ts'
import { writeAccounts } from '../users/user-row.ts'
import type { UserService } from '../users/user-service.ts'
import type { UserRow } from '../users/user-tables.ts'
import type { OidcIdentity } from './oidc-client.ts'
import type { OidcConfig } from './oidc-config.ts'
import { OidcRefusal } from './oidc-refusal.ts'

export interface OidcUserSyncOptions {
  config: Pick<OidcConfig, 'roles' | 'accounts'>
  users: People
  userService: Pick<UserService, 'change'>
  sessions: Pick<SessionService, 'endAllOf'>
  hub: Pick<EventHub, 'transact'>
  /** Records in the trail what the provider changed about a user; resolves when it is stored. Does not fail. */
  record: (action: ProviderAction) => Promise<void>
  now: () => number
  logger: Logger
}

/** A change by the provider of a user, beside signing in; `provider` is the actor. */
export interface ProviderAction {
  principal: Principal
  operation: 'oidc.disableUser' | 'oidc.enableUser'
  userId: string
  /** `last_administrator` means that it was not done. */
  outcome: 'ok' | 'last_administrator'
  from: Whence
}

/** The group in the configuration that stands for all users of the provider. */
const everybody = '*'
/** May change roles, since the operator configured that in the environment. */
const provider: Principal = {
  id: 'oidc',
  name: 'OpenID Connect',
  kind: 'api_key',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
}

export class OidcUserSync {
  readonly #options: OidcUserSyncOptions

  constructor(options: OidcUserSyncOptions) {
    this.#options = options
  }

  /** Returns the current user of an identity. Throws OidcRefusal. */
  async getUser(identity: OidcIdentity, from: Whence): Promise<UserRow> {
    const { users, hub, config, now, logger } = this.#options
    const role = roleOf(identity.groups, config.roles)
    const known = await users.findByOidc(identity.issuer, identity.subject)
    if (known?.disabled && known.disabled_by !== 'provider') throw new OidcRefusal('disabled')
    if (!role) {
      if (known) await this.#shutOut(known, from)
      throw new OidcRefusal('not_allowed')
    }
    if (known) return this.#follow(known, role, from)
    const user = await hub.transact((transaction, publish) =>
      this.#takeIn(identity, role, { store: users, transaction, publish, at: new Date(now()).toISOString() }),
    )
    logger.info({ user: user.id, role }, 'a user came through the provider for the first time')
    return this.#follow(user, role, from)
  }

  /**
   * Disables a user for whom the provider no longer gives a role: sessions, password, passkeys and tokens are void
   * until it gives one again. Only the last administrator is not disabled, so that one is left.
   */
  async #shutOut({ id: userId, disabled }: UserRow, from: Whence): Promise<void> {
    const { userService, sessions, record, logger } = this.#options
    if (disabled) return
    const action = { principal: provider, operation: 'oidc.disableUser', userId, from } as const
    try {
      await userService.change(provider, userId, { disabled: true }, 'provider')
      logger.warn({ user: userId }, 'a user was disabled: the provider no longer grants a role')
      await record({ ...action, outcome: 'ok' })
    } catch (error) {
      if (!isLastAdministrator(error)) throw error
      await sessions.endAllOf(userId, 'user_disabled')
      logger.warn({ user: userId }, 'the last administrator has no role at the provider: rejected, but not disabled')
      await record({ ...action, outcome: 'last_administrator' })
    }
  }

  async #takeIn(identity: OidcIdentity, role: Role, writing: Writing): Promise<UserRow> {
    const { store, transaction } = writing
    // The same user may have been faster in a second tab.
    const known = await store.findByOidc(identity.issuer, identity.subject, transaction)
    if (known) return known
    const email = emailOf(identity)
    const user = await store.findByEmail(email, transaction)
    return user ? this.#link(user, identity, role, writing) : this.#add(email, identity, role, writing)
  }

  /**
   * Links an identity to the user with its email. Anyone who can choose an email at the provider could take over a user
   * that way. Therefore the provider must have verified it, the user must not be linked yet, and an administrator is
   * linked only to an identity that the provider makes administrator anyway. All others get the provider's role before
   * a session opens, so that nobody gains by it; the last administrator would not.
   */
  async #link(user: UserRow, identity: OidcIdentity, role: Role, writing: Writing): Promise<UserRow> {
    if (user.disabled) throw new OidcRefusal('disabled')
    const isTooMuch = user.role === 'administrator' && role !== 'administrator'
    if (user.oidc_subject !== null || isTooMuch) throw new OidcRefusal('email_taken')
    const { store, transaction, publish, at } = writing
    const change = { oidc_issuer: identity.issuer, oidc_subject: identity.subject, updated_at: at }
    const linked = { ...user, ...change }
    await store.update(user.id, change, transaction)
    // A pending link is void: nobody else may sign in by it.
    await store.deleteLinksOf(user.id, transaction)
    publish({ type: 'user_updated', data: { ...named(linked), changed: ['oidc'] } })
    return linked
  }

  async #add(email: string, { issuer, subject, name }: OidcIdentity, role: Role, writing: Writing): Promise<UserRow> {
    const wanted = {
      email,
      name: PersonName.safeParse(name).data ?? email.slice(0, 100),
      role,
      accounts: writeAccounts(role, this.#defaultAccounts),
      disabled: 0,
      disabled_by: null,
    }
    const user = await addUser(wanted, writing)
    const link = { oidc_issuer: issuer, oidc_subject: subject }
    await writing.store.update(user.id, link, writing.transaction)
    return { ...user, ...link }
  }

  /**
   * Applies the role; open sessions and tokens are updated before this resolves. A user disabled by the provider is
   * enabled.
   */
  async #follow(user: UserRow, role: Role, from: Whence): Promise<UserRow> {
    const { users, userService, record, logger } = this.#options
    if (user.role === role && !user.disabled) return user
    try {
      // A former administrator had all accounts, and now gets those of every user of the provider.
      const isDemoted = user.role === 'administrator' && role !== 'administrator'
      const accounts = isDemoted ? { accounts: this.#defaultAccounts } : {}
      await userService.change(provider, user.id, { role, ...accounts, disabled: false }, 'provider')
    } catch (error) {
      if (!isLastAdministrator(error)) throw error
      logger.warn({ user: user.id, role }, 'the last administrator stays one, whatever their groups at the provider')
      return user
    }
    const changed = await users.find(user.id)
    if (!changed || changed.disabled) throw new OidcRefusal('disabled')
    if (user.disabled) {
      const action = { principal: provider, operation: 'oidc.enableUser', userId: user.id, from } as const
      logger.info({ user: user.id, role }, 'a user was enabled: the provider grants a role again')
      await record({ ...action, outcome: 'ok' })
    }
    return changed
  }

  get #defaultAccounts(): 'all' | [] {
    return this.#options.config.accounts === 'all' ? 'all' : []
  }
}

function isLastAdministrator(error: unknown): boolean {
  return error instanceof Problem && error.code === 'last_administrator'
}

/** Returns the highest role given by the groups. */
function roleOf(groups: readonly string[], roles: OidcConfig['roles']): Role | undefined {
  const given = roles.filter(({ group }) => group === everybody || groups.includes(group)).map(({ role }) => role)
  return Role.options.findLast(role => given.includes(role))
}

/** Returns a verified email only: administrators tell users apart by it, so nobody may appear under someone else's. */
function emailOf({ email, isEmailVerified }: OidcIdentity): string {
  const checked = Email.safeParse(email)
  if (!checked.success || !isEmailVerified) throw new OidcRefusal('email_unverified')
  return checked.data
}
