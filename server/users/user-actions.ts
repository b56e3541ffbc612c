/**
 * Deeds of people and tokens on users: recorded with each deed, shown before the maker is revoked, and undone with it
 * on request.
 */
import { type MadeUser, UserActionKind } from '../../contract/users.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { PasskeyStore } from './passkey-store.ts'
import { hasRights, rightsOf } from './rights.ts'
import { actionsWithLink, type UserActionStore, type UserActor } from './user-action-store.ts'
import { leaveOneAdministrator, named, type Writing } from './user-change.ts'
import { statusOf } from './user-row.ts'
import type { UserStore } from './user-store.ts'
import type { UserRow } from './user-tables.ts'

export interface UserActionsOptions {
  store: UserActionStore
  users: Pick<UserStore, 'countAllTokens'>
  passkeys: Pick<PasskeyStore, 'countOf' | 'deleteAllOf'>
  /** Returns the open sessions of all users. */
  openSessions: () => Promise<readonly { user_id: string }[]>
}

export class UserActions {
  readonly #options: UserActionsOptions

  constructor(options: UserActionsOptions) {
    this.#options = options
  }

  /**
   * Records a deed in its transaction. A revoked token is refused, since it could otherwise create users while an
   * administrator ends those that it made; a person who was disabled or demoted is refused by `rightsByNow`.
   */
  async note(
    principal: Principal,
    action: UserActionKind,
    userId: string,
    { transaction, at }: Writing,
  ): Promise<void> {
    const { id, kind, userId: makerId } = principal
    const { store } = this.#options
    if (kind === 'token' && !(await store.hasToken(tokenIdOf(id), transaction))) {
      throw new Problem('unauthorized', 'This token was revoked.')
    }
    // All sessions of a person count as one maker.
    const maker = kind === 'session' ? `user-${makerId}` : id
    await store.note({ maker, maker_user_id: makerId, deed: action, user_id: userId, at }, transaction)
  }

  /** Returns true if a change adds rights, including enabling a disabled user. */
  isRaised(before: UserRow, after: UserRow): boolean {
    return (before.disabled === 1 && after.disabled === 0) || !hasRights(rightsOf(before), rightsOf(after))
  }

  async list(maker: UserActor): Promise<MadeUser[]> {
    const { store, users, passkeys, openSessions } = this.#options
    const [rows, tokens, open] = await Promise.all([store.listBy(maker), users.countAllTokens(), openSessions()])
    const found = new Map<string, MadeUser>()
    for (const { user, deed, at } of rows) {
      const known = found.get(user.id)
      if (known) {
        known.deeds.push(UserActionKind.parse(deed))
        known.at = at
        continue
      }
      const { id, name, email } = user
      const sessions = open.filter(({ user_id }) => user_id === id).length
      const status = statusOf(user, await passkeys.countOf(id))
      const figures = { status, sessions, tokens: tokens.get(id) ?? 0, deeds: [UserActionKind.parse(deed)], at }
      found.set(id, { user_id: id, name, email, ...figures })
    }
    return [...found.values()]
  }

  /**
   * Disables all users that the maker made, except the caller. If the maker held a link, password, authenticator,
   * passkeys, tokens and the link are deleted too, so that enabling the user lets in nobody who came by it. Returns the
   * users whose sessions are to end.
   */
  async end(principal: Principal, maker: UserActor, writing: Writing): Promise<string[]> {
    const made = await this.#options.store.listBy(maker, writing.transaction)
    const people = new Map<string, { user: UserRow; hadLink: boolean }>()
    for (const { user, deed } of made) {
      const hadLink = people.get(user.id)?.hadLink === true || actionsWithLink.includes(deed)
      if (user.id !== principal.userId) people.set(user.id, { user, hadLink })
    }
    for (const { user, hadLink } of people.values()) {
      if (!hasRights(principal, rightsOf(user))) {
        throw new Problem(
          'beyond_own_rights',
          'Some of these users have scopes or accounts that you do not have yourself.',
        )
      }
      await this.#endOne(user, hadLink, writing)
    }
    return [...people.keys()]
  }

  async #endOne(user: UserRow, hadLink: boolean, writing: Writing): Promise<void> {
    const { store, transaction, publish, at } = writing
    const ways = hadLink ? { password_hash: null, totp_sealed: null } : {}
    const after = { ...user, ...ways, disabled: 1, disabled_by: 'administrator', updated_at: at }
    await leaveOneAdministrator(writing, async () => {
      await store.update(user.id, after, transaction)
      await store.deleteLinksOf(user.id, transaction)
      if (!hadLink) return
      await store.replaceRecoveryCodes(user.id, [], transaction)
      await this.#options.passkeys.deleteAllOf(user.id, transaction)
    })
    const changed = [...(user.disabled ? [] : ['disabled']), ...(hadLink ? ['password', 'totp', 'passkeys'] : [])]
    if (changed.length > 0) publish({ type: 'user_updated', data: { ...named(after), changed } })
    if (!hadLink) return
    for (const { id, name } of await store.deleteTokensOf(user.id, transaction)) {
      publish({ type: 'token_revoked', data: { token_id: id, name, user_id: user.id, at } })
    }
  }
}

function tokenIdOf(principalId: string): string {
  return principalId.replace(/^token-/, '')
}

/** Returns the ended users for the trail, as far as they fit into a reference. */
export function endedRefs(userIds: readonly string[]): Record<string, string> {
  if (userIds.length === 0) return {}
  return { ended: String(userIds.length), ended_users: userIds.slice(0, 40).join(' ') }
}
