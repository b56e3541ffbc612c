/** Who acts, and what they may. How they proved it is the business of `access`. */
import { type Scope, scopes, withIncluded } from '../../contract/scope.ts'

export interface Principal {
  readonly id: string
  readonly name: string
  readonly kind: 'session' | 'token' | 'api_key' | 'anonymous'
  /** Whose session or token it is; null for the API key of the environment, and for anonymous callers. */
  readonly userId: string | null
  /** With every included scope spelled out, so that a check is one look-up. */
  readonly scopes: ReadonlySet<Scope>
  readonly accounts: 'all' | ReadonlySet<string>
  /** When it ends by itself, in epoch milliseconds. */
  readonly endsAt?: number | undefined
  /** Of a client that was connected with OAuth: the origin of the server that its access token is for. */
  readonly audience?: string | undefined
  /** What the caller itself calls its run in this request: a label within this principal, which grants nothing. */
  readonly workSession?: string | undefined
}

/** Hears when what a principal may do changes while it is connected, so that what it holds open follows. */
export interface PrincipalListener {
  /** The same id, with other scopes or accounts. */
  changed(principal: Principal): void
  revoked(principalId: string): void
}

/** A principal at the other end of a connection. */
export interface Caller {
  readonly principal: Principal
  /** Of the peer, or what a trusted proxy said of it. */
  readonly address: string
  readonly userAgent: string
}

/** Characters of a user agent that are kept. */
export const maxUserAgent = 300

export const anonymous: Principal = {
  id: 'anonymous',
  name: 'Anonymous',
  kind: 'anonymous',
  userId: null,
  scopes: new Set(),
  accounts: new Set(),
}

/** Whose limits it uses up: all sessions and tokens of a person share theirs. Not for anonymous callers, who are told apart by address. */
export function limitKeyOf({ id, userId }: Principal): string {
  return userId === null ? id : `user-${userId}`
}

/** Whose something private is: of a person, whichever session; tokens and the key have their own. */
export function ownerOf({ id, kind, userId }: Pick<Principal, 'id' | 'kind' | 'userId'>): string {
  return kind === 'session' && userId !== null ? `user-${userId}` : id
}

export const everyScope: ReadonlySet<Scope> = new Set(scopes)

export function scopeSet(held: Iterable<Scope>): ReadonlySet<Scope> {
  return new Set([...held].flatMap(withIncluded))
}

/** Whether what one is called, and may do and see, is the same. */
export function isAlike(one: Principal, other: Principal): boolean {
  return one.name === other.name && isSameSet(one.scopes, other.scopes) && isSameSet(one.accounts, other.accounts)
}

/** Whether the one may anything that the other may not. */
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
