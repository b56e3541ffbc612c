/** When a message is tried again, and when it is given up. */

const minute = 60_000
const delays = [1, 2, 5, 15, 30, 60, 120, 240].map(minutes => minutes * minute)

/** After so long it is given up (RFC 5321, section 4.5.4.1, asks for 4 to 5 days; people want to know sooner). */
export const giveUpMs = 48 * 60 * minute

/** @param attempts That failed. */
export function retryDelay(attempts: number): number {
  return delays[Math.min(Math.max(attempts, 1), delays.length) - 1]!
}

/** Where the whole account cannot send: its server is asked again at least that often. */
export function accountDelay(faults: number): number {
  return Math.min(retryDelay(faults), 30 * minute)
}
