/** The time of the outbox: wall clock, and a call at a time to come. Tests put their own in its place. */

export interface OutboxClock {
  /** In epoch milliseconds. */
  now(): number
  /** @returns How to call it off. */
  after(ms: number, run: () => void): () => void
}

/** A timer is looked at again at least so often: the wall clock may have been set meanwhile. */
const mostMs = 60_000

export const systemClock: OutboxClock = {
  now: Date.now,
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), mostMs))
    return () => clearTimeout(timer)
  },
}
