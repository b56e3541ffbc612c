/** The principal of a request, and its rights. Authentication is done by `access`. */
import { type Scope, scopes, withIncluded } from '../../contract/scope.ts'

export interface Principal {
  readonly id: string
  readonly name: string
  readonly kind: 'session' | 'token' | 'api_key' | 'anonymous'
  /** The user of the session or token; null for the API key of the environment, and for anonymous callers. */
  readonly userId: string | null
  /** All scopes, implied ones included, so that a check is a single look-up. */
  readonly scopes: ReadonlySet<Scope>
  readonly accounts: 'all' | ReadonlySet<string>
  /** Expiry in epoch milliseconds. */
  readonly endsAt?: number | undefined
  /** For clients connected with OAuth: the origin for which the access token was issued. */
  readonly audience?: string | undefined
  /** The caller's own name of its run (session of work): a label within this principal, which grants nothing. */
  readonly workSession?: string | undefined
}

/** Notified when the rights of a principal change, to update what it holds open. */
export interface PrincipalListener {
  /** Called with the principal of the same id, with changed scopes or accounts. */
  changed(principal: Principal): void
  revoked(principalId: string): void
}

/** A principal at the other end of a connection. */
export interface Caller {
  readonly principal: Principal
  /** Address of the peer, or the one reported by a trusted proxy. */
  readonly address: string
  readonly userAgent: string
}

/** Characters of a user agent that are stored. */
export const maxUserAgent = 300

export const anonymous: Principal = {
  id: 'anonymous',
  name: 'Anonymous',
  kind: 'anonymous',
  userId: null,
  scopes: new Set(),
  accounts: new Set(),
}

/** Returns the key for limits, shared by a person's sessions and tokens; anonymous callers are limited by address. */
export function limitKeyOf({ id, userId }: Principal): string {
  return userId === null ? id : `user-${userId}`
}

/** Returns the owner of private data: the user for all of their sessions; tokens and the API key have their own. */
export function ownerOf({ id, kind, userId }: Pick<Principal, 'id' | 'kind' | 'userId'>): string {
  return kind === 'session' && userId !== null ? `user-${userId}` : id
}

export const everyScope: ReadonlySet<Scope> = new Set(scopes)

export function scopeSet(held: Iterable<Scope>): ReadonlySet<Scope> {
  return new Set([...held].flatMap(withIncluded))
}

/** Whether two principals have the same name, scopes and accounts. */
export function isAlike(one: Principal, other: Principal): boolean {
  return one.name === other.name && isSameSet(one.scopes, other.scopes) && isSameSet(one.accounts, other.accounts)
}

/** Whether `one` has any right that `other` lacks. */
export function isMore(one: Principal, other: Principal): boolean {
  if ([...one.scopes].some(scope => !other.scopes.has(scope))) return true
  const { accounts } = other
  if (accounts === 'all') return false
  return one.accounts === 'all' || [...one.accounts].some(id => !accounts.has(id))
}

function isSameSet(one: 'all' | ReadonlySet<string>, other: 'all' | ReadonlySet<string>): boolean {
  if (one === 'all' || other === 'all') return one === other
  return one.size === other.size && [...one].every(item => other.has(item))
}

export function maySeeAccount(principal: Principal, accountId: string): boolean {
  return principal.accounts === 'all' || principal.accounts.has(accountId)
}
