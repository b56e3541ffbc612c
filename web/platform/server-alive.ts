/** Whether the server answers at all, however it fares. */

/** `api.system.live`, as it is: the worker of the stream needs nothing else of the contract. */
const address = '/health/live'

/** False as well for what answers in its place, and when the signal ends the wait. */
export async function isServerAlive(signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(address, { cache: 'no-store', credentials: 'omit', signal })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
