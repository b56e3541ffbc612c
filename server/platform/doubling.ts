/** How long to rest after failures: twice as long after each, up to a bound. Without jitter: for one caller alone, not for many that come back at once. */

/** So that the power does not run away. */
const mostDoublings = 30

/** @param failures How many came before: after none, `firstMs`. @returns Milliseconds. */
export function doubledMs(failures: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures, mostDoublings))
}
