/** First checks of a request: a supported HTTP version, a URL of ASCII and UTF-8, and a single, allowed host name. */

import { isIP } from 'node:net'
import { badInput, type InputPath, Problem } from '../problem.ts'

interface RawRequest {
  httpVersion: string
  url?: string | undefined
  rawHeaders: readonly string[]
  headers: { host?: string | undefined; 'transfer-encoding'?: string | undefined }
}

/** Returns the problem of a malformed request, else undefined. */
export function refusalOfForm(raw: RawRequest): Problem | undefined {
  return refusalOfVersion(raw) ?? refuseSeveralHosts(raw.rawHeaders) ?? refusalOfTarget(raw.url ?? '/')
}

/** Whether a message is HTTP/2, recognised by its stream: an HTTP/1 request line may claim any version. */
export function isHttp2(raw: object): boolean {
  return 'stream' in raw
}

function refusalOfVersion(raw: RawRequest): Problem | undefined {
  if (isHttp2(raw)) return undefined
  const { httpVersion, headers } = raw
  if (httpVersion === '1.1') {
    // Node would reject it as well, but without an explanation.
    if (headers.host === undefined) return new Problem('bad_request', 'An HTTP/1.1 request must have a Host header.')
  } else if (httpVersion !== '1.0') {
    return new Problem('bad_request', `The request line must say HTTP/1.1 or HTTP/1.0, not HTTP/${httpVersion}.`)
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return undefined
  return new Problem(
    'not_implemented',
    'Only the chunked transfer coding is supported: send the body without another one.',
  )
}

/** Rejects non-ASCII, which Node decodes as Latin-1, and encoded non-UTF-8, which parsers turn into U+FFFD. */
function refusalOfTarget(url: string): Problem | undefined {
  const isAscii = (text: string) => !/[^\x21-\x7e]/.test(text)
  if (!isAscii(url)) return badInput(placeIn(url, isAscii), 'has non-ASCII characters: percent-encode them, as UTF-8')
  if (!url.includes('%') || isDecodable(url)) return undefined
  return badInput(placeIn(url, isDecodable), 'has an invalid percent-encoding, or is not UTF-8')
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Returns the part of an invalid URL that is at fault: its path, or the parameter of its query, if it has a name. */
function placeIn(url: string, isFine: (text: string) => boolean): InputPath {
  const [pathname = '', ...rest] = url.split('?')
  if (!isFine(pathname)) return 'path'
  const pairs = rest.join('?').split('&')
  const name = pairs.find(pair => !isFine(pair))?.split('=')[0] ?? ''
  return /^\w{1,60}$/.test(name) ? `query.${name}` : 'query'
}

interface Headers {
  host?: string | undefined
  ':authority'?: string | undefined
}

/** Maximum length of a host name; longer ones are neither cached nor repeated in full in an answer. */
const maxName = 253

/** Spellings of allowed hosts that are cached; further ones are checked each time. */
const maxFound = 100

/**
 * The host names by which this server may be addressed, against DNS rebinding: the owner of a domain can point it at
 * this machine, and a browser would treat its pages as same-origin. So every request by an unknown name is rejected.
 */
export class AllowedHosts {
  readonly #names = new Set<string>()
  /** Domain suffixes with a leading dot. */
  readonly #suffixes: string[] = []
  readonly #isAny: boolean
  /** Cache of allowed hosts as spelled in requests. */
  readonly #found = new Set<string>()

  /** @param names Names without ports; `.example.com` allows all subdomains, `*` every name. */
  constructor(names: Iterable<string>) {
    const all = [...names].map(name => tidy(name))
    this.#isAny = all.includes('*')
    for (const name of all) {
      if (name.startsWith('.')) this.#suffixes.push(name)
      else if (name !== '') this.#names.add(name)
    }
  }

  /**
   * Returns a problem for a name that is not allowed. All names in a request are checked: both headers (RFC 9113,
   * section 8.3.1), and a target in absolute form (RFC 9112, section 3.2.2). HTTP/1.0 may omit it, which no browser
   * does.
   */
  refusalOf(headers: Headers, target = '/'): Problem | undefined {
    const named = target.startsWith('/') ? undefined : /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1]
    for (const host of [headers.host, headers[':authority'], named]) {
      if (host !== undefined && !this.allows(host)) return refusal(host)
    }
    return undefined
  }

  allows(host: string): boolean {
    if (this.#isAny || this.#found.has(host)) return true
    if (!this.isOurs(host)) return false
    if (this.#found.size < maxFound && host.length <= maxName) this.#found.add(host)
    return true
  }

  /** Whether a name cannot have been pointed here by others; excludes names that only `*` allows. */
  isOurs(host: string): boolean {
    if (cannotBeRebound(host)) return true
    const name = nameIn(host)
    return name !== undefined && (this.#names.has(name) || this.#suffixes.some(suffix => name.endsWith(suffix)))
  }
}

/** Whether a host is immune to DNS rebinding: an IP address, or `localhost`, which browsers resolve themselves. */
export function cannotBeRebound(host: string): boolean {
  const name = nameIn(host)
  if (name === undefined) return false
  const address = /^\[(.*)\]$/.exec(name)?.[1] ?? name
  return isIP(address) > 0 || name === 'localhost' || name.endsWith('.localhost')
}

/** Rejects several Host headers: Node reports the first, but a proxy may have used another (RFC 9112, section 3.2). */
export function refuseSeveralHosts(rawHeaders: readonly string[]): Problem | undefined {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host')
  return hosts.length > 1 ? new Problem('bad_request', 'A request must have exactly one Host header.') : undefined
}

/** Returns the name of a host with an optional port; undefined if it is invalid. */
function nameIn(host: string): string | undefined {
  const match = /^(\[[\da-f:.]+(?:%[\w.%-]+)?\]|[^\s:/?#@[\]\\]+)(?::\d{0,5})?$/i.exec(host)
  return match ? tidy(match[1]!) : undefined
}

/** Normalizes a name: lower case, without the trailing dot of the root. */
function tidy(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function refusal(host: string): Problem {
  const shown = host
    .replace(/:\d+$/, '')
    .slice(0, maxName)
    .replaceAll(/[^\w.-]/g, '?')
  return new Problem(
    'host_not_allowed',
    `The host name ${shown} is not allowed. To allow it, add it to RUSTYMAIL_ALLOWED_HOSTS, or set ` +
      'RUSTYMAIL_PUBLIC_URL to the address that browsers use. Addresses of this machine, and localhost, always work.',
  )
}
