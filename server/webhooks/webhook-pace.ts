/** When a failed delivery is retried, and when an endpoint is given up. */

/** Pauses before the second attempt, the third and so on; the last one repeats. */
const delaysMs = [1_000, 5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000]
const jitter = 0.2
/** An endpoint that has accepted nothing for this long is given up. */
export const givenUpMs = 3 * 24 * 60 * 60_000
/** Attempts to deliver the message that the endpoint has ended. */
export const endAttempts = 5

/**
 * @param failures Consecutive failures, including this one. @param afterMs The pause that the endpoint asked for; used
 * if it is longer.
 */
export function delayOf(failures: number, afterMs: number | undefined, random: () => number = Math.random): number {
  const base = delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 1_000
  const spread = base * (1 - jitter + 2 * jitter * random())
  return Math.round(Math.max(spread, afterMs ?? 0))
}
