/** Who may do what: the scopes, in families of rising order. */
import { z } from 'zod'

/** Families in rising order: each scope includes those before it in its family. */
export const scopeFamilies = {
  mail: ['mail:meta', 'mail:read', 'mail:organize', 'mail:draft', 'mail:send'],
  dashboard: ['dashboard:read', 'dashboard:operate', 'dashboard:admin'],
} as const

/** Beside the families: included in none of them, and including nothing. No preset has one. */
export const separateScopes = ['mail:delete'] as const

type FamilyScope = (typeof scopeFamilies)[keyof typeof scopeFamilies][number]
export type Scope = FamilyScope | (typeof separateScopes)[number]
export const scopes = [...scopeFamilies.mail, ...separateScopes, ...scopeFamilies.dashboard] as const
export const Scope = z.enum(scopes)

/** Scopes that no endpoint and no tool asks for yet: a token may hold one, but nothing can be done with it. A test holds this true. */
export const unusedScopes: readonly Scope[] = ['mail:send']

export function isMailScope(scope: Scope): boolean {
  return scope.startsWith('mail:')
}

/** A scope with all that it includes. */
export function withIncluded(scope: Scope): Scope[] {
  const families: readonly (readonly Scope[])[] = Object.values(scopeFamilies)
  const family = families.find(members => members.includes(scope)) ?? [scope]
  return family.slice(0, family.indexOf(scope) + 1)
}
