/** The security headers of every answer, from helmet: asked once, since they are the same for all. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'
import { safeFileName } from '../safe-file-name.ts'

/** @param isHttps Whether browsers reach us over TLS; only then do HSTS and `upgrade-insecure-requests` help. */
export function securityHeaders({ isHttps }: { isHttps: boolean }): Record<string, string> {
  return collect({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        frameSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        scriptSrcAttr: ["'none'"],
        styleSrc: ["'self'"],
        workerSrc: ["'self'"],
        ...(isHttps ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: isHttps,
    xFrameOptions: { action: 'deny' },
  })
}

/**
 * For a frame that shows a stranger's HTML: no script, no form, no origin of its own, framed by our page alone. The HTML is
 * clean already; this is the second wall.
 * @param allowRemote Lets pictures come from outside, when the reader asked for it.
 */
export function strangerHeaders(allowRemote: boolean): Record<string, string> {
  const policy = [
    'sandbox allow-popups allow-popups-to-escape-sandbox',
    "default-src 'none'",
    `img-src data:${allowRemote ? ' https: http:' : ''}`,
    "style-src 'unsafe-inline'",
    ...nothingFrom.map(kind => `${kind} 'none'`),
    "frame-ancestors 'self'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
    // The names of links are not looked up before somebody follows them.
    'x-dns-prefetch-control': 'off',
    'cross-origin-resource-policy': 'same-origin',
    // A sandbox gives it an origin of its own anyway; asked for twice, Chromium warns on the console of the page.
    'origin-agent-cluster': '?0',
    'permissions-policy': powers.map(power => `${power}=()`).join(', '),
  }
}

/**
 * For a file that a stranger made: it is saved and never shown, and its type is for the program that opens it.
 * @param name As the stranger called it.
 */
export function fileHeaders(name: string): Record<string, string> {
  const safe = safeFileName(name)
  const encoded = encodeURIComponent(safe).replaceAll(/['()*]/g, sign => `%${sign.charCodeAt(0).toString(16)}`)
  return {
    'content-type': 'application/octet-stream',
    // RFC 6266, section 5: the first for programs that know ASCII alone.
    'content-disposition': `attachment; filename="${safe.replaceAll(/[^\x20-\x7e]|%/g, '_')}"; filename*=UTF-8''${encoded}`,
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  }
}

/** What `default-src` covers is said for each, so that no browser need know that; the last two it does not cover. */
const nothingFrom =
  'script-src connect-src font-src media-src object-src frame-src child-src worker-src manifest-src form-action base-uri'.split(
    ' ',
  )

/** What a page can be allowed that tells of its reader or their device. */
const powers = ['autoplay', 'camera', 'display-capture', 'fullscreen', 'geolocation', 'microphone']

function collect(options: Parameters<typeof helmet>[0]): Record<string, string> {
  const headers: Record<string, string> = {}
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value
    },
    removeHeader: () => undefined,
  }
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, error => {
    if (error) throw error
  })
  return headers
}
