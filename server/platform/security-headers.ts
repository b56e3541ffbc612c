/** The security headers of every answer, from helmet: asked once, since they are the same for all. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

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
 * For a frame that shows a stranger's HTML: no script, no form, no origin of its own, framed by our page alone.
 * @param allowRemote Lets images and fonts come from outside, when the reader asked for it.
 */
export function strangerHeaders(allowRemote: boolean): Record<string, string> {
  const remote = allowRemote ? ' https: http:' : ''
  return {
    'content-security-policy':
      `sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:${remote}; font-src data:${remote}; ` +
      `style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'`,
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
  }
}

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
