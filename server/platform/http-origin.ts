/** A browser sends its session cookie along with requests that other pages cause; those are refused here. */
import { Problem } from './problem.ts'

export interface Origins {
  /** What the browser's address bar shows, where it is set. */
  publicUrl: string | undefined
  allowed: readonly string[]
  isHttps: boolean
}

interface Request {
  method: string
  headers: {
    origin?: string | undefined
    host?: string | undefined
    ':authority'?: string | undefined
    'sec-fetch-site'?: string | string[] | undefined
  }
}

/** Throws 403 for a request that changes something and does not come from our own page, by Origin (Fetch, section 3.2). */
export function refuseForeignOrigin(request: Request, origins: Origins): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const { origin } = request.headers
  // HTTP/2 has a field of its own for it (RFC 9113, section 8.3.1).
  const host = request.headers.host ?? request.headers[':authority']
  const own = [
    origins.publicUrl && new URL(origins.publicUrl).origin,
    host && `http://${host}`,
    host && `https://${host}`,
  ]
  if (origin !== undefined && [...own, ...origins.allowed].includes(origin)) return
  if (origin === undefined && request.headers['sec-fetch-site'] === 'same-origin') return
  throw new Problem(
    'origin_not_allowed',
    origin === undefined
      ? 'A request with a session cookie must carry an Origin header. Programs should send a token instead.'
      : 'This origin may not send requests with a session. Add it to RUSTYMAIL_ALLOWED_ORIGINS if it should.',
  )
}
