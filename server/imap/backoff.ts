/**
 * Back-off before retries: exponential, capped, with full jitter, so that many accounts do not retry simultaneously.
 */
import { doubledMs } from '../platform/doubling.ts'

export interface Backoff {
  firstMs: number
  maxMs: number
  /** Returns a number from 0 to 1. */
  random(): number
}

export const defaultBackoff: Backoff = { firstMs: 1_000, maxMs: 60_000, random: Math.random }

/** @param failures Number of failed attempts before this one. */
export function backoffDelay(failures: number, { firstMs, maxMs, random }: Backoff): number {
  return Math.round(random() * doubledMs(failures, firstMs, maxMs))
}
