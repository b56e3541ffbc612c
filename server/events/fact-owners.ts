/** Facts with an owner: visible to that owner, and to administrators of all accounts, like the objects concerned. */
import type { Fact, FactType } from '../../contract/event.ts'
import type { Principal } from '../platform/principal.ts'
import { seesAll } from '../platform/visible-figures.ts'

/** The type of facts that have an owner, named in their data. */
export const ownedType = 'webhook_disabled' satisfies FactType

/** The owner whose facts are read: a principal, and its user if it is a session. */
export interface FactOwner {
  principal: string
  userId: string | null
}

/** Returns the owner to filter by; undefined for principals that see all owners' facts. */
export function factOwnerOf({ id, kind, userId, scopes, accounts }: Principal): FactOwner | undefined {
  if (scopes.has('dashboard:admin') && seesAll({ accounts })) return undefined
  return { principal: id, userId: kind === 'session' ? userId : null }
}

export function isOwnedBy(fact: Fact, owner: FactOwner): boolean {
  if (fact.type !== ownedType) return true
  const { principal, user_id: userId } = fact.data
  return principal === owner.principal || (owner.userId !== null && userId === owner.userId)
}

/** Returns LIKE patterns over stored JSON; no name can contain one, since quotes inside strings are escaped. */
export function ownerPatterns({ principal, userId }: FactOwner): string[] {
  const fields = [`"principal":${JSON.stringify(principal)}`, ...(userId === null ? [] : [`"user_id":"${userId}"`])]
  return fields.map(field => `%${field.replaceAll(/[\\%_]/g, sign => `\\${sign}`)}%`)
}
