/** Clock for loops that schedule ahead: the wall clock and timers. Replaced in tests. */

export interface TimerClock {
  /** Epoch milliseconds. */
  now(): number
  /** Schedules a call. @returns A function that cancels it. */
  after(ms: number, run: () => void): () => void
}

/** Maximum delay of a timer; callers reschedule, since the wall clock may have been set meanwhile. */
const mostMs = 60_000

export const systemClock: TimerClock = {
  now: Date.now,
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), mostMs))
    return () => clearTimeout(timer)
  },
}

/** Waits on a clock; ends early, without an error, if the signal is aborted. */
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
