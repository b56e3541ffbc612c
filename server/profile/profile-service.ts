/** Changes by users to themselves: name, password, second factor, passkeys. Requires a session, not a token. */
import { Role } from '../../contract/access.ts'
import type { Passkey, Profile } from '../../contract/profile.ts'
import type { SessionService } from '../access/session-service.ts'
import { passwordOf, type SignInThrottle } from '../access/sign-in-throttle.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { PasswordHasher } from '../users/password-hasher.ts'
import { checkPasswordStrength } from '../users/password-strength.ts'
import type { People } from '../users/people.ts'
import type { UserRow } from '../users/user-tables.ts'
import type { PasskeyService } from './passkey-service.ts'
import type { SecondFactorService } from './second-factor-service.ts'

export interface ProfileOptions {
  users: People
  factors: SecondFactorService
  passkeys: PasskeyService
  hasher: Pick<PasswordHasher, 'hash' | 'verify'>
  throttle: Pick<SignInThrottle, 'check' | 'failed' | 'succeeded' | 'withdrawn'>
  sessions: Pick<SessionService, 'endAllOf' | 'find'>
  hub: Pick<EventHub, 'transact'>
  /** Called after a change, so that sessions and tokens of a user follow the database. */
  changed: (userId: string) => Promise<void>
  now: () => number
  logger: Logger
}

/** Users without a password need not enter one, but must have signed in recently. */
interface Confirmation {
  current_password?: string | undefined
}

/** How long a sign-in substitutes for a password, for users without one, in ms. */
const recentMs = 10 * 60_000

export class ProfileService {
  readonly #options: ProfileOptions

  constructor(options: ProfileOptions) {
    this.#options = options
  }

  async get(principal: Principal): Promise<Profile> {
    const user = await this.#getUser(principal)
    return {
      user_id: user.id,
      email: user.email,
      name: user.name,
      role: Role.parse(user.role),
      has_password: user.password_hash !== null,
      has_totp: this.#options.factors.isNeeded(user),
      recovery_codes_left: await this.#options.users.countRecoveryCodes(user.id),
      passkeys: await this.#options.passkeys.list(user.id),
      oidc: user.oidc_subject !== null,
    }
  }

  async rename({ principal }: Caller, name: string): Promise<Profile> {
    const user = await this.#getUser(principal)
    await this.#change(user, 'name', transaction => this.#update(user.id, { name }, transaction))
    await this.#options.changed(user.id)
    return this.get(principal)
  }

  /** Ends the other sessions, and voids links that would set a password. */
  async changePassword(caller: Caller, given: Confirmation & { new_password: string }): Promise<void> {
    const user = await this.#getConfirmedUser(caller, given)
    await checkPasswordStrength(given.new_password, [user.email, user.name])
    const passwordHash = await this.#options.hasher.hash(given.new_password)
    await this.#change(user, 'password', async transaction => {
      await this.#update(user.id, { password_hash: passwordHash }, transaction)
      await this.#options.users.deleteLinksOf(user.id, transaction)
    })
    const present = caller.principal.id.slice('session-'.length)
    await this.#options.sessions.endAllOf(user.id, 'password_changed', present)
  }

  async beginTotp(caller: Caller, given: Confirmation): Promise<{ secret: string; uri: string; qr_svg: string }> {
    const user = await this.#getConfirmedUser(caller, given)
    this.#refuseSecondTotp(user)
    return this.#options.factors.begin(caller.principal.id, user.email)
  }

  /** Returns the recovery codes, which are shown only once. */
  async confirmTotp({ principal }: Caller, code: string): Promise<string[]> {
    const user = await this.#getUser(principal)
    const confirmed = this.#options.factors.confirm(principal.id, user.id, code)
    return this.#change(user, 'totp', async (transaction, current) => {
      this.#refuseSecondTotp(current)
      await this.#update(user.id, confirmed, transaction)
      return this.#replaceRecoveryCodes(user.id, transaction)
    })
  }

  async removeTotp(caller: Caller, given: Confirmation): Promise<void> {
    const user = await this.#getConfirmedUser(caller, given)
    await this.#change(user, 'totp', async transaction => {
      await this.#update(user.id, { totp_sealed: null }, transaction)
      await this.#options.users.replaceRecoveryCodes(user.id, [], transaction)
    })
  }

  async renewRecoveryCodes(caller: Caller, given: Confirmation): Promise<string[]> {
    const user = await this.#getConfirmedUser(caller, given)
    return this.#change(user, 'recovery_codes', async (transaction, current) => {
      if (!this.#options.factors.isNeeded(current)) {
        throw new Problem('bad_request', 'Recovery codes require an authenticator; set one up first.')
      }
      return this.#replaceRecoveryCodes(user.id, transaction)
    })
  }

  async beginPasskey(caller: Caller, given: Confirmation, browserOrigin: string | undefined) {
    const user = await this.#getConfirmedUser(caller, given)
    return this.#options.passkeys.beginAdding(caller.principal.id, user, browserOrigin)
  }

  async addPasskey(
    { principal }: Caller,
    given: { challenge_id: string; name: string; response: unknown },
  ): Promise<Passkey> {
    const user = await this.#getUser(principal)
    const row = await this.#options.passkeys.finishAdding(principal.id, user, given)
    return this.#change(user, 'passkeys', transaction => this.#options.passkeys.keep(row, transaction))
  }

  async removePasskey(caller: Caller, passkeyId: string, given: Confirmation): Promise<void> {
    const user = await this.#getConfirmedUser(caller, given)
    await this.#change(user, 'passkeys', (transaction, current) =>
      this.#options.passkeys.remove(current, passkeyId, transaction),
    )
  }

  async #getUser({ kind, userId }: Principal): Promise<UserRow> {
    if (kind !== 'session' || userId === null) {
      throw new Problem('session_needed', 'Sign in on the dashboard for this: tokens and API keys are not allowed to.')
    }
    const user = await this.#options.users.find(userId)
    if (!user || user.disabled) throw changedMeanwhile()
    return user
  }

  /** Counts wrong passwords like those at sign-in, so that an unattended session is no place to guess. */
  async #getConfirmedUser({ principal, address }: Caller, { current_password }: Confirmation): Promise<UserRow> {
    const user = await this.#getUser(principal)
    if (user.password_hash === null) {
      await this.#refuseOldSession(principal)
      return user
    }
    if (current_password === undefined) throw new Problem('password_wrong', 'Enter your current password as well.')
    const { throttle, logger } = this.#options
    // Keyed by the email, as at sign-in, since the same password is guessed.
    const attempt = { user: passwordOf(user.email), address }
    const rank = throttle.check(attempt)
    const isRight = await this.#options.hasher.verify(current_password, user.password_hash, rank).catch(error => {
      throttle.withdrawn(attempt)
      throw error
    })
    if (isRight) {
      throttle.succeeded(attempt)
      return user
    }
    throttle.failed(attempt)
    logger.warn({ user: user.id, address }, 'a wrong password was given in the profile')
    throw new Problem('password_wrong', 'This is not your current password.')
  }

  /** Refuses an old session, so that a stranger at an unattended one cannot add a way to sign in. */
  async #refuseOldSession({ id }: Principal): Promise<void> {
    const session = await this.#options.sessions.find(id.slice('session-'.length))
    if (session && this.#options.now() - Date.parse(session.created_at) < recentMs) return
    const detail =
      'You have no password to confirm with, so this requires a sign-in within the last 10 minutes. Sign in again.'
    throw new Problem('recent_sign_in_required', detail)
  }

  /** Runs the change and announces it, if the user still has the password that was confirmed. */
  async #change<Result>(
    { id, password_hash }: UserRow,
    changed: string,
    work: (transaction: Database, current: UserRow) => Promise<Result>,
  ): Promise<Result> {
    const { hub, users, logger } = this.#options
    const result = await hub.transact(async (transaction, publish) => {
      const current = await users.find(id, transaction)
      // A reset or a ban in between must not be undone.
      if (!current || current.disabled || current.password_hash !== password_hash) throw changedMeanwhile()
      const done = await work(transaction, current)
      const { name, email, role } = (await users.find(id, transaction)) ?? current
      const at = this.#at()
      publish({
        type: 'user_updated',
        data: { user_id: id, name, email, role: Role.parse(role), at, changed: [changed] },
      })
      return done
    })
    logger.info({ user: id, changed }, 'a user changed the profile')
    return result
  }

  async #update(userId: string, change: Partial<UserRow>, transaction: Database): Promise<void> {
    await this.#options.users.update(userId, { ...change, updated_at: this.#at() }, transaction)
  }

  async #replaceRecoveryCodes(userId: string, transaction: Database): Promise<string[]> {
    const { codes, hashes } = this.#options.factors.createRecoveryCodes()
    await this.#options.users.replaceRecoveryCodes(userId, hashes, transaction)
    return codes
  }

  #refuseSecondTotp(user: UserRow): void {
    if (!this.#options.factors.isNeeded(user)) return
    throw new Problem('totp_exists', 'Remove your current authenticator first.')
  }

  #at(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

function changedMeanwhile(): Problem {
  return new Problem('unauthorized', 'Your account was changed in the meantime; sign in again.')
}
