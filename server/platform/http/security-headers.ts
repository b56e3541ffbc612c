/** The security headers of every answer, computed once with helmet. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'
import { safeFileName } from '../safe-file-name.ts'

/** @param isHttps Whether browsers use TLS; only then HSTS and `upgrade-insecure-requests` are set. */
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
 * Headers for a frame with untrusted HTML: no scripts, no forms, an opaque origin, framed by our page only. The HTML is
 * sanitized already; this is defense in depth.
 * @param allowRemote Allows remote images, at the reader's request.
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
    // No DNS look-ups for links before they are followed.
    'x-dns-prefetch-control': 'off',
    'cross-origin-resource-policy': 'same-origin',
    // The sandbox gives it an opaque origin anyway; requesting both makes Chromium log a warning.
    'origin-agent-cluster': '?0',
    'permissions-policy': powers.map(power => `${power}=()`).join(', '),
  }
}

/**
 * Headers for an outgoing message in a frame that our page measures, so that it keeps its origin. Nothing in it runs,
 * loads or opens anything: never add `allow-scripts`.
 */
export function measuredHeaders(): Record<string, string> {
  const headers = strangerHeaders(false)
  const policy = headers['content-security-policy']!.replace(/^sandbox[^;]*/, 'sandbox allow-same-origin')
  // As our page, in whose origin it is.
  return { ...headers, 'content-security-policy': policy, 'origin-agent-cluster': '?1' }
}

/**
 * Headers for an untrusted file: it is downloaded, never displayed; the program that opens it determines its type.
 * @param name The untrusted file name.
 */
export function fileHeaders(name: string): Record<string, string> {
  const safe = safeFileName(name)
  const encoded = encodeURIComponent(safe).replaceAll(/['()*]/g, sign => `%${sign.charCodeAt(0).toString(16)}`)
  return {
    'content-type': 'application/octet-stream',
    // RFC 6266, section 5: the first form is for programs that support only ASCII.
    'content-disposition': `attachment; filename="${safe.replaceAll(/[^\x20-\x7e]|%/g, '_')}"; filename*=UTF-8''${encoded}`,
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  }
}

/** Directives set to 'none' explicitly, for browsers without `default-src` support; it does not cover the last two. */
const nothingFrom =
  'script-src connect-src font-src media-src object-src frame-src child-src worker-src manifest-src form-action base-uri'.split(
    ' ',
  )

/** Permissions that could reveal the reader or their device. */
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
