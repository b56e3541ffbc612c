/** Waits that end with a signal or a timeout. The awaited work continues, and its outcome is ignored. */
import { setTimeout as wait } from 'node:timers/promises'

/** Pauses; ends early, without an error, if the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined)
}

/** Awaits work. @throws the signal's reason as soon as it is aborted */
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

/** Awaits work with a timeout. @param late Returns a fallback or throws when the time is over. */
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
