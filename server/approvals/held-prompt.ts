/** A permission prompt while it is kept: who may decide it, and when it is over with its token. */
import type { PermissionPrompt, PermissionPromptState } from '../../contract/permission-prompts.ts'
import type { Principal } from '../platform/principal.ts'

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

export function isWaiting({ state }: Held): boolean {
  return state === 'waiting'
}

export function mayDecide(user: Principal, { userId }: Held): boolean {
  if (user.kind !== 'session' || user.userId === null) return false
  return userId === null ? user.scopes.has('dashboard:admin') : user.userId === userId
}

/** A connected client comes back with another access token. */
export function endOf({ audience, endsAt = Number.POSITIVE_INFINITY }: Principal): number {
  return audience === undefined ? endsAt : Number.POSITIVE_INFINITY
}
