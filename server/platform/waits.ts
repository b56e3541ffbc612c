/** Waits that a signal or a bound ends. What was waited for runs on; nobody hears of its end. */
import { setTimeout as wait } from 'node:timers/promises'

/** Ends early, and without an error, with the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined)
}

/** @throws The reason of the signal, as soon as it is aborted. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** @param late What is answered in its place, or thrown, once the time is over. */
export async function unlessLate<Result, Late>(
  work: Promise<Result>,
  ms: number,
  late: () => Late,
): Promise<Result | Late> {
  const { promise: over, resolve, reject } = Promise.withResolvers<Late>()
  const timer = setTimeout(
    () => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    },
    Math.max(0, ms),
  )
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
