/** Tells an event stream from anything else that may respond in its place: a proxy, a sign-in page, a busy server. */

/** Why a connection ended; `waitMs` is the delay that the server asked for, if any. */
export interface Ending {
  kind: 'goodbye' | 'lost' | 'silent' | 'refused' | 'signed_out'
  reason: string
  waitMs?: number | undefined
}

/**
 * Returns undefined for a stream (200 and `text/event-stream`); anything else ends this attempt, but not the retries.
 */
export async function refusal(response: Response): Promise<Ending | undefined> {
  const type = response.headers.get('content-type') ?? ''
  if (response.status === 200 && type.startsWith('text/event-stream') && response.body) return undefined
  await response.body?.cancel()
  if (response.status === 401) return { kind: 'signed_out', reason: 'Signed out' }
  const reason =
    response.status === 200 ? 'The response was not an event stream' : `The server answered ${response.status}`
  return { kind: 'refused', reason, waitMs: retryAfterMs(response.headers.get('retry-after'), Date.now()) }
}

/** Parses `Retry-After` (RFC 9110, section 10.2.3), given in seconds or as a date. */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** The server's reasons for a goodbye, in words. */
export const farewells = {
  shutdown: 'The server is restarting',
  slow_consumer: 'This page was too slow to keep up',
  revoked: 'The session was ended',
  kicked: 'An administrator disconnected this page',
  max_age: 'The server is renewing the stream',
} as const
