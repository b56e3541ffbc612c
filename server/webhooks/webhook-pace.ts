/** When a delivery that failed is tried again, and for how long. */

/** Waits before the second attempt, the third and so on; from then on the last. */
const delaysMs = [1_000, 5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000]
const jitter = 0.2
/** An endpoint that took nothing for so long is given up. */
export const givenUpMs = 3 * 24 * 60 * 60_000
/** Attempts to tell an endpoint that it has ended. */
export const endAttempts = 5

/** @param failures In a row, this one included. @param afterMs As the endpoint asked for: it counts where it is longer. */
export function delayOf(failures: number, afterMs: number | undefined, random: () => number = Math.random): number {
  const base = delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 1_000
  const spread = base * (1 - jitter + 2 * jitter * random())
  return Math.round(Math.max(spread, afterMs ?? 0))
}
