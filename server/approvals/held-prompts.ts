/** A permission prompt while it is held: its owner, who may decide it, and the bounds for waiting prompts. */
import type { PermissionPrompt, PermissionPromptState } from '../../contract/permission-prompts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

export interface PermissionPromptBounds {
  perPrincipal: number
  /** Waiting prompts of all tokens of one user; prompts without a user share one bound. */
  perPerson: number
  inAll: number
  expiresMs: number
  /** A prompt opened over HTTP is cancelled when its program has not polled its state for this long. */
  quietMs: number
}

export interface Held {
  readonly prompt: PermissionPrompt
  readonly userId: string | null
  state: PermissionPromptState
  readonly decided: PromiseWithResolvers<void>
  expiry: NodeJS.Timeout | undefined
  quiet: NodeJS.Timeout | undefined
  /** Requests currently waiting for its decision. */
  waiting: number
}

export const usualBounds: PermissionPromptBounds = {
  ...{ perPrincipal: 20, perPerson: 40, inAll: 200 },
  ...{ expiresMs: 10 * 60_000, quietMs: 60_000 },
}

/** @throws Problem if the program, its user or the server has reached its bound of waiting prompts. */
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

/**
 * Returns when a prompt ends with its token. A connected client comes back with another access token, so its prompts do
 * not.
 */
export function endOf({ audience, endsAt = Number.POSITIVE_INFINITY }: Principal): number {
  return audience === undefined ? endsAt : Number.POSITIVE_INFINITY
}
