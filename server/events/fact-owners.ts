/** Facts that are somebody's: only their owner is told of them, and administrators of all accounts, as with what they are about. */
import type { Fact, FactType } from '../../contract/event.ts'
import type { Principal } from '../platform/principal.ts'
import { seesAll } from '../platform/visible-figures.ts'

/** Of all that are somebody's; their data say whose. */
export const ownedType = 'webhook_disabled' satisfies FactType

/** Whose facts are read: those of a principal, and of its user where it is a session. */
export interface FactOwner {
  principal: string
  userId: string | null
}

/** Undefined for those who read all of them. */
export function factOwnerOf({ id, kind, userId, scopes, accounts }: Principal): FactOwner | undefined {
  if (scopes.has('dashboard:admin') && seesAll({ accounts })) return undefined
  return { principal: id, userId: kind === 'session' ? userId : null }
}

export function isOwnedBy(fact: Fact, owner: FactOwner): boolean {
  if (fact.type !== ownedType) return true
  const { principal, user_id: userId } = fact.data
  return principal === owner.principal || (owner.userId !== null && userId === owner.userId)
}

/** For LIKE, over what this program stored as JSON: no name can hold one of these, as quotes within it are escaped. */
export function ownerPatterns({ principal, userId }: FactOwner): string[] {
  const fields = [`"principal":${JSON.stringify(principal)}`, ...(userId === null ? [] : [`"user_id":"${userId}"`])]
  return fields.map(field => `%${field.replaceAll(/[\\%_]/g, sign => `\\${sign}`)}%`)
}
