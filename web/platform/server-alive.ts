/** Checks whether the server responds at all, healthy or not. */

/** The path of `api.system.live`, repeated so that the stream worker need not bundle the contract. */
const address = '/health/live'

/** Requests the liveness check; returns false if something else responds, or the signal is aborted. */
export async function isServerAlive(signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(address, { cache: 'no-store', credentials: 'omit', signal })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
