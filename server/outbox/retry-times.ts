/** When a message is retried, and when it is given up. */

const minute = 60_000
const delays = [1, 2, 5, 15, 30, 60, 120, 240].map(minutes => minutes * minute)

/**
 * How long a message is retried before it is given up (RFC 5321, section 4.5.4.1, asks for 4 to 5 days; people want to
 * know sooner).
 */
export const giveUpMs = 48 * 60 * minute

/** @param attempts Attempts that failed so far. */
export function retryDelay(attempts: number): number {
  return delays[Math.min(Math.max(attempts, 1), delays.length) - 1]!
}

/** Back-off while the whole account cannot send, with a lower maximum than that of a single message. */
export function accountDelay(faults: number): number {
  return Math.min(retryDelay(faults), 30 * minute)
}
