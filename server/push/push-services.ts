/** Which push services may be used. Endpoints are addresses given by clients, so only known services are called. */
import { Problem } from '../platform/problem.ts'

/** The services of Chrome and other Chromium browsers, Firefox, Edge and Safari. */
export const knownPushServices: readonly string[] = [
  'fcm.googleapis.com',
  '*.push.services.mozilla.com',
  '*.notify.windows.com',
  '*.push.apple.com',
]

export class PushServices {
  /** `host` or `*.host`, with `:port` unless it is 443. */
  readonly patterns: readonly string[]

  constructor(patterns: readonly string[]) {
    this.patterns = patterns.map(pattern => pattern.toLowerCase())
  }

  get isOff(): boolean {
    return this.patterns.length === 0
  }

  /** @throws Problem unless it is an endpoint of an allowed service. */
  check(endpoint: string): URL {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
    if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') {
      const message = 'is not an https address of a push service'
      throw new Problem('bad_request', `body.endpoint: ${message}`, { errors: [{ path: 'body.endpoint', message }] })
    }
    if (!this.patterns.some(pattern => matches(pattern, url.host))) {
      const detail = `${url.host} is not among the push services that this server uses; RUSTYMAIL_PUSH_SERVICES lists them.`
      throw new Problem('address_refused', detail)
    }
    return url
  }
}

/** @param host With its port, unless that is 443. */
function matches(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}
