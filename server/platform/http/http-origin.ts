/**
 * What pages of other origins may do. A browser sends its session cookie along with requests that they cause: those are refused. Pages of
 * origins that RUSTYMAIL_ALLOWED_ORIGINS names may call with a token.
 */
import { Problem } from '../problem.ts'
import { type AllowedHosts, cannotBeRebound } from './http-form.ts'

export interface Origins {
  /** What the browser's address bar shows, where it is set. */
  publicUrl: string | undefined
  /** Of other pages, which may ask with a token, and read the answer; never with a session. */
  allowed: readonly string[]
  isHttps: boolean
  /** Names that are answered. Without them every name is, which only a test does. */
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

/** Throws 403 for a request that changes something and does not come from our own page, by Origin (Fetch, section 3.2). */
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

/** Of this server as the caller reached it; of a name that was checked. */
export function publicOriginOf(headers: Omit<Request['headers'], 'sec-fetch-site'>, origins: Origins): string {
  if (origins.publicUrl !== undefined) return new URL(origins.publicUrl).origin
  const host = headers.host ?? headers[':authority'] ?? 'localhost'
  return `${origins.isHttps ? 'https' : 'http'}://${host.toLowerCase()}`
}

/** Whether it is our own page that asks, by the address that browsers see. */
export function isOwnOrigin(headers: Omit<Request['headers'], 'sec-fetch-site'>, origins: Origins): boolean {
  const { origin } = headers
  if (origin === undefined) return false
  // HTTP/2 has a field of its own for it (RFC 9113, section 8.3.1).
  const host = headers.host ?? headers[':authority']
  if (origins.publicUrl !== undefined && origin === new URL(origins.publicUrl).origin) return true
  if (host === undefined) return false
  // Where browsers come over TLS, a page without it may be anybody's on the way.
  return origin === `https://${host}` || (!origins.isHttps && origin === `http://${host}`)
}

/**
 * Throws 403 unless a browser asks for what our own page puts into a frame (Fetch Metadata, section 2). A document for a frame
 * must never fill a window: there it would stand under our address. Over plain HTTP at another name than `localhost`
 * browsers say nothing of that kind; there the frame alone sends a Referer without a path (its policy is `origin`): a link in a
 * mail sends none, and a link of our page its whole address.
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
 * Throws 403 for a page that is not ours, whatever it brings along, where programs talk and browsers have no business (MCP,
 * Streamable HTTP, security warning). That Origin and Host agree proves something only where the host is ours, since every
 * other name may have been pointed at this machine by the author of the page (DNS rebinding).
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

/** What such a page may send beside what every page may. */
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
/** What it may read of an answer beside what every page may. */
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
/** The longest that Chromium keeps it. */
const maxAgeSeconds = 7_200

/**
 * Lets pages of the origins that RUSTYMAIL_ALLOWED_ORIGINS names call us from a browser (Fetch, section 3.2), by a
 * token that they have. Never by a cookie: that is our own page's, and a browser sends it along whichever page asks.
 */
export class Cors {
  readonly #origins: Origins
  readonly #headers = new Map<string, Record<string, string>>()
  /** Of every answer, whatever page asked: it would be another for another page. */
  readonly always: Readonly<Record<string, string>>

  constructor(origins: Origins) {
    this.#origins = origins
    this.always = origins.allowed.length > 0 ? { vary: 'origin' } : {}
    const common = { 'access-control-expose-headers': exposedHeaders.join(', ') }
    for (const origin of origins.allowed) {
      this.#headers.set(origin, { 'access-control-allow-origin': origin, ...common })
    }
  }

  /** Undefined unless a page of such an origin asks. */
  headersFor({ origin }: Headers): Record<string, string> | undefined {
    return origin === undefined ? undefined : this.#headers.get(origin)
  }

  /** Whether a page of such an origin asks which is not our own: then its browser's cookie counts for nothing. */
  isForeign(headers: Headers): boolean {
    return this.headersFor(headers) !== undefined && !isOwnOrigin(headers, this.#origins)
  }

  /**
   * What a browser wants to hear before it sends the request itself. The same for every address: of one where nothing is, the page
   * shall read that.
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
