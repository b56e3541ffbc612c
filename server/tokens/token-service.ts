/** API tokens: creates, changes, rotates and revokes them. `KnownTokens` authenticates them. */
import { randomBytes } from 'node:crypto'
import type { ApiToken, OAuthClient } from '../../contract/tokens.ts'
import type { MadeUser } from '../../contract/users.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { maySeeAccount, type Principal, type PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { People } from '../users/people.ts'
import type { Revocations } from '../users/revocations.ts'
import type { UserActions } from '../users/user-actions.ts'
import { hashOf, KnownTokens } from './known-tokens.ts'
import { createToken, prefixOf } from './token-format.ts'
import {
  givenRights,
  ownerRights,
  principalIdOf,
  readRanges,
  refuseBeyond,
  refuseUnknown,
  type TokenRights,
  toPrincipal,
  toView,
} from './token-row.ts'
import type { OwnedTokenRow, TokenStore } from './token-store.ts'
import type { ApiTokenRow } from './token-tables.ts'

export interface TokenServiceOptions {
  store: TokenStore
  users: People
  made: Pick<UserActions, 'list' | 'end'>
  /** Ends what a user has open: sessions, and what tokens hold. */
  ended: (userId: string) => Promise<void>
  revocations: Revocations
  hub: Pick<EventHub, 'transact'>
  accountIds: () => Promise<ReadonlySet<string>>
  now: () => number
  logger: Logger
  listener: PrincipalListener
}

export interface TokenInput extends TokenRights {
  name: string
  /** Null if it never expires. */
  expires_at: string | null
  /** Empty for any address. */
  allowed_addresses: readonly string[]
}

export type TokenChange = { [Field in keyof TokenInput]?: TokenInput[Field] | undefined }

interface NewToken {
  /** The secret, which only this response contains. */
  token: string
  info: ApiToken
}

const maxTokensOfUser = 100
const maxTokens = 1_000

export class TokenService {
  readonly #options: TokenServiceOptions
  readonly known: KnownTokens

  constructor(options: TokenServiceOptions) {
    this.#options = options
    this.known = new KnownTokens(options)
  }

  /** Lists tokens; a token without administrator rights sees only itself. */
  async list(principal: Principal): Promise<ApiToken[]> {
    const { store } = this.#options
    const { userId } = principal
    const isAdministrator = principal.scopes.has('dashboard:admin')
    if (isAdministrator || userId === null) return this.#views(principal, isAdministrator ? await store.list() : [])
    const rows = await store.listOf(userId)
    const isShown = ({ id }: OwnedTokenRow) => principal.kind !== 'token' || principal.id === principalIdOf(id)
    return this.#views(principal, rows.filter(isShown))
  }

  /** @param client The client that acts by it: its secrets come from `issueSecret`, and this one is discarded. */
  async create(principal: Principal, input: TokenInput, client?: OAuthClient): Promise<NewToken> {
    const { store, hub, logger, now } = this.#options
    const userId = ownerOf(principal)
    const at = this.#at()
    this.#refusePast(input.expires_at)
    const allowed = readRanges(input.allowed_addresses)
    const known = input.accounts.length > 0 ? await this.#options.accountIds() : new Set<string>()
    const token = createToken()
    const row: ApiTokenRow = {
      id: randomBytes(8).toString('hex'),
      token_hash: hashOf(token),
      prefix: prefixOf(token),
      user_id: userId,
      name: input.name,
      ...written(input),
      allowed_addresses: JSON.stringify(allowed),
      created_at: at,
      expires_at: input.expires_at,
      last_used_at: null,
      last_used_address: null,
      oauth_client: client ? JSON.stringify(client) : null,
    }
    const learn = this.known.learner()
    const made = await hub.transact(async (transaction, publish): Promise<OwnedTokenRow> => {
      // The current rights, since the principal may be stale.
      const found = await store.findOwner(userId, transaction)
      if (!found || found.owner.owner_disabled) throw new Problem('session_needed', 'Your account here was closed.')
      refuseBeyond(ownerRights(found.owner), input)
      refuseUnknown(known, input.accounts)
      refuseMany(found)
      await store.insert(row, transaction)
      publish({ type: 'token_created', data: named(row, at) })
      return { ...row, ...found.owner }
    })
    if (!client) learn(made)
    logger.info({ token_id: row.id, user: userId }, 'a token was created')
    return { token, info: toView(made, now(), isSeenBy(principal, known)) }
  }

  /** Changes a token; its open streams are narrowed before this resolves. */
  async change(principal: Principal, tokenId: string, change: TokenChange): Promise<ApiToken> {
    const { store, hub, logger } = this.#options
    refuseToken(principal)
    const allowed = change.allowed_addresses && readRanges(change.allowed_addresses)
    const known = change.accounts && (await this.#options.accountIds())
    const at = this.#at()
    const { user_id } = await hub.transact(async (transaction, publish) => {
      const row = await this.#get(principal, tokenId, transaction)
      const given = givenRights(row)
      const { scopes, accounts, expires_at, name } = change
      // Checks only named rights: an old right that the owner lost does not prevent renaming.
      refuseBeyond(ownerRights(row), { scopes: scopes ?? [], accounts: accounts ?? [] }, given.scopes)
      if (known && accounts) refuseUnknown(known, accounts)
      if (expires_at !== undefined && expires_at !== row.expires_at) this.#refusePast(expires_at)
      const after = {
        name: name ?? row.name,
        ...written({ scopes: scopes ?? given.scopes, accounts: accounts ?? given.accounts }),
        expires_at: expires_at === undefined ? row.expires_at : expires_at,
        allowed_addresses: allowed ? JSON.stringify(allowed) : row.allowed_addresses,
      }
      const changed = (Object.keys(after) as (keyof typeof after)[]).filter(field => row[field] !== after[field])
      if (changed.length === 0) return row
      await store.update(tokenId, after, transaction)
      publish({ type: 'token_updated', data: { ...named({ ...row, ...after }, at), changed } })
      return row
    })
    await this.known.follow(user_id)
    logger.info({ token_id: tokenId, fields: Object.keys(change), by: principal.id }, 'a token was changed')
    return this.#view(principal, tokenId)
  }

  /** Rotates a secret; what the old one has open is closed before this resolves. */
  async rotate(principal: Principal, tokenId: string): Promise<NewToken> {
    const { store, hub, logger } = this.#options
    const userId = ownerOf(principal)
    const token = createToken()
    const at = this.#at()
    await hub.transact(async (transaction, publish) => {
      const row = await this.#get(principal, tokenId, transaction)
      if (row.user_id !== userId) {
        const detail = 'Only its owner may rotate this token; you can revoke it.'
        throw new Problem('forbidden', detail)
      }
      if (row.oauth_client !== null) {
        throw new Problem('forbidden', 'A connected client renews its own secrets; revoke it to end its access.')
      }
      await store.update(tokenId, { token_hash: hashOf(token), prefix: prefixOf(token) }, transaction)
      publish({ type: 'token_updated', data: { ...named(row, at), changed: ['secret'] } })
    })
    await this.known.follow(userId)
    logger.info({ token_id: tokenId, by: principal.id }, 'a token was rotated')
    return { token, info: await this.#view(principal, tokenId) }
  }

  /** Lists the users that it invited, reset or gave more rights. */
  async listMade(principal: Principal, tokenId: string): Promise<MadeUser[]> {
    await this.#get(principal, tokenId)
    return this.#options.made.list({ tokenId })
  }

  /**
   * Revokes a token; what it has open is closed before this resolves. @returns The ended users.
   * @param endsMade Also ends all users that it made, in the same transaction, so that it can do nothing in between.
   */
  async revoke(principal: Principal, tokenId: string, endsMade = false): Promise<string[]> {
    return this.#options.revocations.run({
      ids: [principalIdOf(tokenId)],
      check: () => this.#get(principal, tokenId),
      work: () => this.#revoke(principal, tokenId, endsMade),
    })
  }

  async #revoke(principal: Principal, tokenId: string, endsMade: boolean): Promise<string[]> {
    const { store, users, made, ended, hub, logger } = this.#options
    refuseToken(principal)
    const at = this.#at()
    const { row, others } = await hub.transact(async (transaction, publish) => {
      const { scopes } = await this.#rightsByNow(principal, transaction)
      if (endsMade && !scopes.has('dashboard:admin')) {
        throw new Problem('forbidden', 'Only an administrator may disable the users that a token made.')
      }
      const row = await this.#get(principal, tokenId, transaction)
      await store.delete(tokenId, transaction)
      publish({ type: 'token_revoked', data: named(row, at) })
      const writing = { store: users, transaction, publish, at }
      return { row, others: endsMade ? await made.end(principal, { tokenId }, writing) : [] }
    })
    await this.known.follow(row.user_id)
    for (const userId of others) await ended(userId)
    logger.info({ token_id: tokenId, by: principal.id, ended: others.length }, 'a token was revoked')
    return others
  }

  /** Issues an access token to a connected client, for the server at this origin. @param token From `createToken`. */
  async issueSecret(token: string, tokenId: string, audience: string, expiresAt: string): Promise<void> {
    await this.#options.store.insertSecret({
      token_hash: hashOf(token),
      token_id: tokenId,
      audience,
      expires_at: expiresAt,
    })
  }

  /** Deletes an access token; what it has open is closed before this resolves. */
  async endSecret(token: string): Promise<void> {
    const tokenId = await this.#options.store.deleteSecret(hashOf(token))
    const row = tokenId === undefined ? undefined : await this.#options.store.find(tokenId)
    if (row) await this.known.follow(row.user_id)
  }

  /** Returns the current connection; undefined if it or its owner has ended, or it has expired. */
  async findConnection(
    tokenId: string,
  ): Promise<{ userId: string; rights: TokenRights; endsAt: number | undefined } | undefined> {
    const row = await this.#options.store.find(tokenId)
    if (!row || row.oauth_client === null || row.owner_disabled) return undefined
    const { userId, scopes, accounts, endsAt } = toPrincipal(row)
    if (userId === null || accounts === 'all' || (endsAt !== undefined && endsAt <= this.#options.now()))
      return undefined
    return { userId, rights: { scopes: [...scopes], accounts: [...accounts] }, endsAt }
  }

  /** Ends the connection of a client that revoked or misused it. What it has open is closed before this resolves. */
  async endConnection(tokenId: string, why: string): Promise<void> {
    const { store, hub, revocations, logger } = this.#options
    await revocations.run({
      ids: [principalIdOf(tokenId)],
      check: async () => undefined,
      work: async () => {
        const row = await hub.transact(async (transaction, publish) => {
          const found = await store.find(tokenId, transaction)
          if (!found || found.oauth_client === null) return undefined
          await store.delete(tokenId, transaction)
          publish({ type: 'token_revoked', data: named(found, this.#at()) })
          return found
        })
        if (!row) return
        await this.known.follow(row.user_id)
        logger.warn({ token_id: tokenId, why }, 'a connected client was disconnected')
      },
    })
  }

  /** Closes what connected clients have open, without revoking their rights. */
  async cutConnections(): Promise<void> {
    const { store, listener } = this.#options
    for (const row of await store.list()) if (row.oauth_client !== null) listener.revoked(principalIdOf(row.id))
  }

  /** Deletes expired access tokens. */
  async pruneSecrets(): Promise<void> {
    await this.#options.store.pruneSecrets(this.#at())
  }

  /** Finds a token; other users' tokens exist only for administrators. */
  async #get(principal: Principal, tokenId: string, transaction?: Database): Promise<OwnedTokenRow> {
    const row = await this.#options.store.find(tokenId, transaction)
    const { scopes } = transaction ? await this.#rightsByNow(principal, transaction) : principal
    if (row && (row.user_id === principal.userId || scopes.has('dashboard:admin'))) return row
    throw new Problem('token_not_found', 'There is no such token; it may have been revoked.')
  }

  /**
   * Returns the rights of the caller by now: its transaction may have waited behind the one that disabled or demoted its
   * user. @throws Problem if its user is gone or disabled.
   */
  async #rightsByNow({ userId, scopes }: Principal, transaction: Database): Promise<Pick<Principal, 'scopes'>> {
    if (userId === null) return { scopes }
    const found = await this.#options.store.findOwner(userId, transaction)
    if (!found || found.owner.owner_disabled) throw new Problem('session_needed', 'Your account here was closed.')
    const held = ownerRights(found.owner).scopes
    return { scopes: new Set([...scopes].filter(scope => held.has(scope))) }
  }

  async #view(principal: Principal, tokenId: string): Promise<ApiToken> {
    const [view] = await this.#views(principal, [await this.#get(principal, tokenId)])
    return view!
  }

  async #views(principal: Principal, rows: readonly OwnedTokenRow[]): Promise<ApiToken[]> {
    const isSeen = isSeenBy(principal, await this.#options.accountIds())
    return rows.map(row => toView(row, this.#options.now(), isSeen))
  }

  #refusePast(expiresAt: string | null): void {
    if (expiresAt === null || Date.parse(expiresAt) > this.#options.now()) return
    const message = 'is in the past'
    throw new Problem('bad_request', `body.expires_at: ${message}`, { errors: [{ path: 'body.expires_at', message }] })
  }

  #at(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

/** A token never creates or changes tokens: a thief could otherwise stay after it is revoked. */
function refuseToken({ kind }: Principal): void {
  if (kind !== 'session' && kind !== 'api_key') throw new Problem('session_needed', 'Sign in: tokens may not do this.')
}

function refuseMany({ all, own }: { all: number; own: number }): void {
  if (own >= maxTokensOfUser) {
    throw new Problem('too_many_tokens', `You have ${own} tokens; revoke one that you no longer use.`)
  }
  if (all >= maxTokens) {
    throw new Problem('too_many_tokens', `There are ${all} tokens in total, which is the maximum.`)
  }
}

/** @param known The existing accounts. */
function isSeenBy(principal: Principal, known: ReadonlySet<string>): (accountId: string) => boolean {
  return id => known.has(id) && maySeeAccount(principal, id)
}

/** Returns the owner: a secret is shown only to the user whose token it is. */
function ownerOf({ kind, userId }: Principal): string {
  if (kind === 'session' && userId !== null) return userId
  throw new Problem('session_needed', 'Sign in: a token belongs to a person, and only they may see its secret.')
}

function written({ scopes, accounts }: TokenRights): Pick<ApiTokenRow, 'scopes' | 'accounts'> {
  return { scopes: JSON.stringify([...new Set(scopes)]), accounts: JSON.stringify([...new Set(accounts)]) }
}

function named({ id, name, user_id }: ApiTokenRow, at: string) {
  return { token_id: id, name, user_id, at }
}
