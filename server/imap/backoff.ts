/** How long to wait before trying again: doubling, capped, with full jitter, so that many accounts do not come back at once. */
import { doubledMs } from '../platform/doubling.ts'

export interface Backoff {
  firstMs: number
  maxMs: number
  /** 0 to 1. */
  random(): number
}

export const defaultBackoff: Backoff = { firstMs: 1_000, maxMs: 60_000, random: Math.random }

/** @param failures How many tries have failed before this one. */
export function backoffDelay(failures: number, { firstMs, maxMs, random }: Backoff): number {
  return Math.round(random() * doubledMs(failures, firstMs, maxMs))
}
