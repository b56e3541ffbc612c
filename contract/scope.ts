/** The scopes, in families of rising order. */
import { z } from 'zod'

/** Families in rising order: each scope includes those before it in its family. */
export const scopeFamilies = {
  mail: ['mail:meta', 'mail:read', 'mail:organize', 'mail:draft', 'mail:send'],
  dashboard: ['dashboard:read', 'dashboard:operate', 'dashboard:admin'],
} as const

/** Scopes outside the families: no scope includes them, they include none, and no preset has one. */
export const separateScopes = ['mail:delete'] as const

type FamilyScope = (typeof scopeFamilies)[keyof typeof scopeFamilies][number]
export type Scope = FamilyScope | (typeof separateScopes)[number]
export const scopes = [...scopeFamilies.mail, ...separateScopes, ...scopeFamilies.dashboard] as const
export const Scope = z.enum(scopes)

/** Scopes that no endpoint and no tool requires yet: a token may hold one, without effect. A test keeps this list true. */
export const unusedScopes: readonly Scope[] = []

export function isMailScope(scope: Scope): boolean {
  return scope.startsWith('mail:')
}

/** Returns a scope with all scopes that it includes. */
export function withIncluded(scope: Scope): Scope[] {
  const families: readonly (readonly Scope[])[] = Object.values(scopeFamilies)
  const family = families.find(members => members.includes(scope)) ?? [scope]
  return family.slice(0, family.indexOf(scope) + 1)
}
