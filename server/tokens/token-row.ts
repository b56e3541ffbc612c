/** Converts the row of a token to its rights and its view. */
import { z } from 'zod'
import { Scope } from '../../contract/scope.ts'
import { type ApiToken, OAuthClient } from '../../contract/tokens.ts'
import { AddressRanges, parseAddressRange } from '../platform/network/address-range.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { type Rights, rightsOf } from '../users/rights.ts'
import type { OwnedTokenRow, TokenOwner } from './token-store.ts'
import type { ApiTokenRow } from './token-tables.ts'

const Scopes = z.array(Scope)
const Texts = z.array(z.string())

/** The rights given to a token. */
export interface TokenRights {
  scopes: readonly Scope[]
  accounts: readonly string[]
}

export function principalIdOf(tokenId: string): string {
  return `token-${tokenId}`
}

/** Returns the current principal: the rights given to the token, limited to those of its owner. */
export function toPrincipal(row: OwnedTokenRow): Principal {
  const { scopes, accounts } = givenRights(row)
  const owner = ownerRights(row)
  return {
    id: principalIdOf(row.id),
    name: row.name,
    kind: 'token',
    userId: row.user_id,
    scopes: new Set([...scopeSet(scopes)].filter(scope => owner.scopes.has(scope))),
    accounts: new Set(accounts.filter(id => owner.accounts === 'all' || owner.accounts.has(id))),
    endsAt: endsAtOf(row),
    ...(row.audience !== undefined && { audience: row.audience }),
  }
}

export function endsAtOf({ expires_at }: Pick<ApiTokenRow, 'expires_at'>): number | undefined {
  return expires_at === null ? undefined : Date.parse(expires_at)
}

/** Returns undefined for any address. */
export function allowedRanges(row: Pick<ApiTokenRow, 'allowed_addresses'>): AddressRanges | undefined {
  const texts = Texts.parse(JSON.parse(row.allowed_addresses))
  // An unreadable range allows nobody; it does not open the token to everyone.
  return texts.length === 0 ? undefined : new AddressRanges(texts.flatMap(text => parseAddressRange(text) ?? []))
}

/** @param isSeen Returns true if an account exists and is visible to the caller. */
export function toView(row: OwnedTokenRow, now: number, isSeen: (accountId: string) => boolean): ApiToken {
  const { scopes, accounts } = givenRights(row)
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    user_id: row.user_id,
    user_name: row.owner_name,
    scopes,
    accounts: accounts.filter(isSeen),
    allowed_addresses: Texts.parse(JSON.parse(row.allowed_addresses)),
    created_at: row.created_at,
    expires_at: row.expires_at,
    last_used_at: row.last_used_at,
    last_used_address: row.last_used_address,
    status: statusOf(row, now),
    oauth_client: row.oauth_client === null ? null : OAuthClient.parse(JSON.parse(row.oauth_client)),
  }
}

export function givenRights(row: Pick<ApiTokenRow, 'scopes' | 'accounts'>): { scopes: Scope[]; accounts: string[] } {
  return { scopes: Scopes.parse(JSON.parse(row.scopes)), accounts: Texts.parse(JSON.parse(row.accounts)) }
}

export function ownerRights(row: Pick<TokenOwner, 'owner_role' | 'owner_accounts'>): Rights {
  return rightsOf({ role: row.owner_role, accounts: row.owner_accounts })
}

/**
 * Refuses rights that the owner lacks; a scope that the token already has may stay, without effect while its owner
 * lacks it. A hidden account is refused in the same words whether or not it exists.
 */
export function refuseBeyond(owner: Rights, wanted: TokenRights, heldScopes: readonly Scope[] = []): void {
  const may = new Set([...owner.scopes, ...scopeSet(heldScopes)])
  const scopes = wanted.scopes.filter(scope => !may.has(scope))
  if (scopes.length > 0) {
    const detail = `A token can have only the scopes of its owner, and its owner does not have ${scopes.join(', ')}.`
    throw new Problem('beyond_own_rights', detail)
  }
  const accounts = wanted.accounts.filter(id => owner.accounts !== 'all' && !owner.accounts.has(id))
  if (accounts.length === 0) return
  const detail = `A token can see only what its owner sees, and its owner does not see the account ${some(accounts)}.`
  throw new Problem('beyond_own_rights', detail)
}

export function refuseUnknown(known: ReadonlySet<string>, wanted: readonly string[]): void {
  const missing = wanted.filter(id => !known.has(id))
  if (missing.length > 0) throw new Problem('account_not_found', `There is no account ${some(missing)}.`)
}

/** Returns the ranges without duplicates, each of them an address or a range. */
export function readRanges(texts: readonly string[]): string[] {
  const wrong = texts.findIndex(text => !parseAddressRange(text))
  if (wrong >= 0) throw badInput(`body.allowed_addresses.${wrong}`, 'is not an address or a range such as 10.0.0.0/8')
  return [...new Set(texts)]
}

/** Lists a few ids, as a hint. */
function some(ids: readonly string[]): string {
  return ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ')
}

function statusOf(row: OwnedTokenRow, now: number): ApiToken['status'] {
  if (now >= (endsAtOf(row) ?? Number.POSITIVE_INFINITY)) return 'expired'
  return row.owner_disabled ? 'suspended' : 'active'
}
