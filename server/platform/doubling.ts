/** Exponential back-off up to a bound. Without jitter: for a single caller, not for many that retry together. */

/** Upper bound on the exponent, to avoid overflow. */
const mostDoublings = 30

/** @param failures Number of previous failures; `firstMs` after none. @returns Milliseconds. */
export function doubledMs(failures: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures, mostDoublings))
}
