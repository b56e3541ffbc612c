/**
 * Lets pages of the origins that RUSTYMAIL_ALLOWED_ORIGINS names call us from a browser (Fetch, section 3.2), by a token that they
 * have. Never by a cookie: that is our own page's, and a browser sends it along whoever asks.
 */
import type { Origins } from './http-origin.ts'
import { isOwnOrigin } from './http-origin.ts'

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

export class Cors {
  readonly #origins: Origins
  readonly #headers = new Map<string, Record<string, string>>()

  constructor(origins: Origins) {
    this.#origins = origins
    const common = { 'access-control-expose-headers': exposedHeaders.join(', ') }
    for (const origin of origins.allowed) {
      this.#headers.set(origin, { 'access-control-allow-origin': origin, ...common })
    }
  }

  /** Of every answer, whoever asked: it would be another for another page. */
  get always(): Record<string, string> {
    return this.#headers.size > 0 ? { vary: 'origin' } : {}
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
