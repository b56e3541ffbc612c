/** Creates the HTTP server from the configuration, and the rate limits of its callers. */
import type { Config } from './config.ts'
import { hostsOf } from './http-part.ts'
import type { HttpServer, HttpServerOptions } from './platform/http/http-server.ts'
import { createHttpServer } from './platform/http/http-setup.ts'
import { HttpLimits } from './platform/rate-limits.ts'

type Judges = 'authenticate' | 'accessTokens' | 'challenge' | 'observe' | 'trail' | 'stops' | 'shown' | 'tracer'

export interface HttpComposition extends Pick<HttpServerOptions, Judges | 'wrongCredentials' | 'logger'> {
  config: Config['http']
}

export interface ComposedHttp {
  http: HttpServer
  limits: HttpLimits
}

export function composeHttp({ config, ...judges }: HttpComposition): ComposedHttp {
  const { publicUrl, allowedOrigins, trustedProxies, tls } = config
  const limits = new HttpLimits({ rates: config.limits, now: Date.now })
  const isHttps = publicUrl?.startsWith('https:') ?? tls !== undefined
  const origins = { publicUrl, allowed: allowedOrigins, isHttps, hosts: hostsOf(config) }
  return { http: createHttpServer({ ...judges, origins, trustedProxies, tls, limits }), limits }
}
