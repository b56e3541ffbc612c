/**
 * CSRF protection and CORS. Browsers attach the session cookie to requests caused by pages of other origins: those are
 * rejected. Pages of the origins in RUSTYMAIL_ALLOWED_ORIGINS may call with a token.
 */
import { Problem } from '../problem.ts'
import { type AllowedHosts, cannotBeRebound } from './http-form.ts'

export interface Origins {
  /** The URL in the browser's address bar, if configured. */
  publicUrl: string | undefined
  /** Origins whose pages may call with a token, and read the answer; never with a session. */
  allowed: readonly string[]
  isHttps: boolean
  /** Allowed host names; all are allowed if omitted, which only tests do. */
  hosts?: AllowedHosts | undefined
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

/** Throws 403 for a change requested by a page that is not ours, according to Origin (Fetch, section 3.2). */
export function refuseForeignOrigin(request: Request, origins: Origins): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const { origin } = request.headers
  if (isOwnOrigin(request.headers, origins)) return
  if (origin === undefined && request.headers['sec-fetch-site'] === 'same-origin') return
  throw new Problem(
    'origin_not_allowed',
    origin === undefined
      ? 'A request with a session cookie must carry an Origin header. Programs should send a token instead.'
      : 'Pages of this origin may not use a session. If it is the URL of this RustyMail, set RUSTYMAIL_PUBLIC_URL to it; ' +
          'other pages may use a token if RUSTYMAIL_ALLOWED_ORIGINS lists their origin.',
  )
}

/** Returns this server's origin as the caller reached it, by a host name that was checked. */
export function publicOriginOf(headers: Omit<Request['headers'], 'sec-fetch-site'>, origins: Origins): string {
  if (origins.publicUrl !== undefined) return new URL(origins.publicUrl).origin
  const host = headers.host ?? headers[':authority'] ?? 'localhost'
  return `${origins.isHttps ? 'https' : 'http'}://${host.toLowerCase()}`
}

/** Whether a request comes from our own page, by the origin that browsers see. */
export function isOwnOrigin(headers: Omit<Request['headers'], 'sec-fetch-site'>, origins: Origins): boolean {
  const { origin } = headers
  if (origin === undefined) return false
  // HTTP/2 uses `:authority` (RFC 9113, section 8.3.1).
  const host = headers.host ?? headers[':authority']
  if (origins.publicUrl !== undefined && origin === new URL(origins.publicUrl).origin) return true
  if (host === undefined) return false
  // If browsers use TLS, a plain HTTP page could have been injected by a man in the middle.
  return origin === `https://${host}` || (!origins.isHttps && origin === `http://${host}`)
}

/**
 * Throws 403 unless a browser loads the document into a frame of our own page (Fetch Metadata, section 2). It must
 * never fill a window, where it would appear under our origin. Over plain HTTP at names other than `localhost`,
 * browsers do not send Fetch Metadata; there only the frame sends a Referer without a path (its policy is `origin`): a
 * link in a mail sends none, and a link on our page its full URL.
 */
export function refuseOutsideFrame(header: (name: string) => string | undefined, { publicUrl }: Origins): void {
  const wanted = header('sec-fetch-dest')
  if (wanted === 'iframe' && header('sec-fetch-site') === 'same-origin') return
  const { host: referer, pathname } = URL.parse(header('referer') ?? '') ?? {}
  const own = [header('host'), header(':authority'), publicUrl && new URL(publicUrl).host]
  if (wanted === undefined && referer !== undefined && pathname === '/' && own.includes(referer)) return
  throw new Problem(
    'frame_only',
    'Open the message on the Mail page. Programs should send a token instead of a cookie.',
  )
}

/**
 * Throws 403 for a page that is neither ours nor allowed, whatever its credentials, on endpoints for programs (MCP,
 * Streamable HTTP, security warning). That Origin and Host agree is proof only if the host is ours: every other name
 * may have been pointed at this machine by the author of the page (DNS rebinding).
 */
export function refuseStrangeOrigin(headers: Request['headers'], origins: Origins): void {
  const { origin } = headers
  if (origin === undefined) return
  const host = headers.host ?? headers[':authority']
  const named = origins.publicUrl === undefined ? [] : [new URL(origins.publicUrl).origin]
  if ([...named, ...origins.allowed].includes(origin)) return
  const isOwn = origin === `https://${host}` || (!origins.isHttps && origin === `http://${host}`)
  if (isOwn && host !== undefined && (origins.hosts?.isOurs(host) ?? cannotBeRebound(host))) return
  throw new Problem(
    'origin_not_allowed',
    'Pages of this origin may not do this. Add it to RUSTYMAIL_ALLOWED_ORIGINS if they should.',
  )
}

interface Headers {
  origin?: string | undefined
  host?: string | undefined
  ':authority'?: string | undefined
  'access-control-request-method'?: string | string[] | undefined
}

/** Request headers allowed to such pages, besides the CORS-safelisted ones. */
export const requestHeaders = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Last-Event-ID',
  'Idempotency-Key',
  'Cache-Control',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Range',
  'Mcp-Session-Id',
  'Mcp-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'RustyMail-Results',
  'RustyMail-Session',
]
/** Response headers exposed to such pages, besides the CORS-safelisted ones. */
export const exposedHeaders = [
  'Accept-Ranges',
  'Allow',
  'Content-Range',
  'Content-Disposition',
  'ETag',
  'Link',
  'Location',
  'Mcp-Protocol-Version',
  'Mcp-Session-Id',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
]
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE'
/** Maximum that Chromium caches a preflight. */
const maxAgeSeconds = 7_200

/**
 * CORS for pages of the origins in RUSTYMAIL_ALLOWED_ORIGINS (Fetch, section 3.2), with a token of their own. Never
 * with a cookie, which browsers attach whichever page makes the request.
 */
export class Cors {
  readonly #origins: Origins
  readonly #headers = new Map<string, Record<string, string>>()
  /** Headers of every answer: it varies by origin. */
  readonly always: Readonly<Record<string, string>>

  constructor(origins: Origins) {
    this.#origins = origins
    this.always = origins.allowed.length > 0 ? { vary: 'origin' } : {}
    const common = { 'access-control-expose-headers': exposedHeaders.join(', ') }
    for (const origin of origins.allowed) {
      this.#headers.set(origin, { 'access-control-allow-origin': origin, ...common })
    }
  }

  /** Returns headers for a page of an allowed origin, else undefined. */
  headersFor({ origin }: Headers): Record<string, string> | undefined {
    return origin === undefined ? undefined : this.#headers.get(origin)
  }

  /** Whether a request comes from another allowed origin than our own, so that its cookie is ignored. */
  isForeign(headers: Headers): boolean {
    return this.headersFor(headers) !== undefined && !isOwnOrigin(headers, this.#origins)
  }

  /**
   * Returns headers for a preflight request, else undefined. The same for every URL, so that the page can read a 404 of
   * the actual request.
   */
  preflight(method: string, headers: Headers): Record<string, string> | undefined {
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return undefined
    if (!this.headersFor(headers)) return undefined
    return {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': requestHeaders.join(', '),
      'access-control-max-age': String(maxAgeSeconds),
    }
  }
}
