/** Checks whether a caller whose answer goes on, or is read, could still ask. */
import { assistantApi } from '../../contract/assistant.ts'
import type { Principal } from '../platform/principal.ts'

export function hasEnded({ endsAt }: Principal, now: number): boolean {
  return endsAt !== undefined && now >= endsAt
}

export function mayQuery({ scopes }: Principal): boolean {
  const { scope } = assistantApi.queryChatbot
  return scope === 'public' || scope === 'signed_in' || scopes.has(scope)
}
