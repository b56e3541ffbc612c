/** The time of loops that plan ahead: wall clock, and a call at a time to come. Tests put their own in its place. */

export interface TimerClock {
  /** In epoch milliseconds. */
  now(): number
  /** @returns How to call it off. */
  after(ms: number, run: () => void): () => void
}

/** A timer is looked at again at least so often: the wall clock may have been set meanwhile. */
const mostMs = 60_000

export const systemClock: TimerClock = {
  now: Date.now,
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), mostMs))
    return () => clearTimeout(timer)
  },
}

/** Ends early, and without an error, with the signal. */
export function pauseOn(clock: TimerClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      callOff()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const callOff = clock.after(ms, done)
    signal.addEventListener('abort', done, { once: true })
  })
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
