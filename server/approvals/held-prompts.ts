/** A permission prompt while it is held: whose it is, who may decide it, and how many may wait. */
import type { PermissionPrompt, PermissionPromptState } from '../../contract/permission-prompts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

export interface PermissionPromptBounds {
  perPrincipal: number
  /** Of all tokens of one user; programs without a token are one person together. */
  perPerson: number
  inAll: number
  expiresMs: number
  /** One that is asked for over HTTP ends when its program has not asked for its state for so long. */
  quietMs: number
}

export interface Held {
  readonly prompt: PermissionPrompt
  readonly userId: string | null
  state: PermissionPromptState
  readonly decided: PromiseWithResolvers<void>
  expiry: NodeJS.Timeout | undefined
  quiet: NodeJS.Timeout | undefined
  /** Requests that wait for it. */
  waiting: number
}

export const usualBounds: PermissionPromptBounds = {
  ...{ perPrincipal: 20, perPerson: 40, inAll: 200 },
  ...{ expiresMs: 10 * 60_000, quietMs: 60_000 },
}

/** @throws Problem where its program, its user or all together have as many waiting as they may. */
export function checkRoom(
  held: readonly Held[],
  principal: Principal,
  { perPrincipal, perPerson, inAll }: PermissionPromptBounds,
): void {
  const waiting = held.filter(isWaiting)
  const ofPerson = waiting.filter(isOfPerson(principal))
  const own = ofPerson.filter(isOf(principal))
  if (own.length < perPrincipal && ofPerson.length < perPerson && waiting.length < inAll) return
  throw new Problem('too_many_requests', 'Too many permission prompts wait for a human.', { retryAfterSeconds: 60 })
}

export function isWaiting({ state }: Held): boolean {
  return state === 'waiting'
}

export const isOf =
  ({ id }: Principal) =>
  ({ prompt }: Held) =>
    prompt.asks.id === id
export const isOfPerson = (principal: Principal) => (held: Held) => held.userId === principal.userId

export function mayDecide(user: Principal, { userId }: Held): boolean {
  if (user.kind !== 'session' || user.userId === null) return false
  return userId === null ? user.scopes.has('dashboard:admin') : user.userId === userId
}

/** When it is over with its token. A connected client comes back with another access token. */
export function endOf({ audience, endsAt = Number.POSITIVE_INFINITY }: Principal): number {
  return audience === undefined ? endsAt : Number.POSITIVE_INFINITY
}
