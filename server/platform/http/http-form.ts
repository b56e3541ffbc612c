/** What a request must be before anything else is asked of it: of a version that we speak, at an address of ASCII and UTF-8, to one host by a name that is ours. */

import { isIP } from 'node:net'
import { Problem } from '../problem.ts'

interface RawRequest {
  httpVersion: string
  url?: string | undefined
  rawHeaders: readonly string[]
  headers: { host?: string | undefined; 'transfer-encoding'?: string | undefined }
}

/** Undefined for one that is as it should be. */
export function refusalOfForm(raw: RawRequest): Problem | undefined {
  return refusalOfVersion(raw) ?? refuseSeveralHosts(raw.rawHeaders) ?? refusalOfTarget(raw.url ?? '/')
}

/** HTTP/2 has streams, and no line that says its version: so a line that does is no HTTP/2. */
export function isHttp2(raw: object): boolean {
  return 'stream' in raw
}

function refusalOfVersion(raw: RawRequest): Problem | undefined {
  if (isHttp2(raw)) return undefined
  const { httpVersion, headers } = raw
  if (httpVersion === '1.1') {
    // Node would refuse it as well, without a word.
    if (headers.host === undefined) return new Problem('bad_request', 'An HTTP/1.1 request must have a Host header.')
  } else if (httpVersion !== '1.0') {
    return new Problem('bad_request', `A request line says HTTP/1.1 or HTTP/1.0, and not HTTP/${httpVersion}.`)
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return undefined
  return new Problem(
    'not_implemented',
    'Only the chunked transfer coding is supported: send the body without another one.',
  )
}

/** Node reads other bytes as Latin-1, and parsers of queries put U+FFFD in the place of what is no UTF-8: neither is what was meant. */
function refusalOfTarget(url: string): Problem | undefined {
  if (/[^\x21-\x7e]/.test(url)) {
    return new Problem('bad_request', 'The URL has non-ASCII characters: percent-encode them, as UTF-8.')
  }
  if (!url.includes('%')) return undefined
  try {
    decodeURIComponent(url)
    return undefined
  } catch {
    return new Problem('bad_request', 'The URL has an invalid percent-encoding, or is not UTF-8.')
  }
}

/** Whether no text in it has half of a pair of surrogates: `\ud800` in JSON, which no UTF-8 can say. */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isWellFormed)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, each]) => name.isWellFormed() && isWellFormed(each))
}

interface Headers {
  host?: string | undefined
  ':authority'?: string | undefined
}

/** Of a name that is repeated in an answer, or remembered: the longest that there can be. */
const maxName = 253

/** There are many ways to write one; those past it are looked at each time. */
const maxFound = 100

/**
 * Which names of this server are answered. A browser takes a page for ours when it came by the same name, and the owner of a name can
 * point it at this machine (DNS rebinding): so a request by a name that is not known as ours is refused, whatever it asks for.
 */
export class AllowedHosts {
  readonly #names = new Set<string>()
  /** With the dot in front. */
  readonly #suffixes: string[] = []
  readonly #isAny: boolean
  /** As hosts were written that were found to be allowed: a browser writes the same one in each request. */
  readonly #found = new Set<string>()

  /** @param names Without a port; `.example.com` stands for every name below it, `*` for every name. */
  constructor(names: Iterable<string>) {
    const all = [...names].map(name => tidy(name))
    this.#isAny = all.includes('*')
    for (const name of all) {
      if (name.startsWith('.')) this.#suffixes.push(name)
      else if (name !== '') this.#names.add(name)
    }
  }

  /**
   * Undefined for a name that is answered. Each that a request gives counts: both fields (RFC 9113, section 8.3.1), and a target
   * that is a whole address (RFC 9112, section 3.2.2). HTTP/1.0 may leave it out, which no browser does.
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

  /** A name that nobody else can have pointed here, so not one of those that `*` lets in. */
  isOurs(host: string): boolean {
    if (cannotBeRebound(host)) return true
    const name = nameIn(host)
    return name !== undefined && (this.#names.has(name) || this.#suffixes.some(suffix => name.endsWith(suffix)))
  }
}

/** An address is no name that somebody could own, and browsers know by themselves where `localhost` is. */
export function cannotBeRebound(host: string): boolean {
  const name = nameIn(host)
  if (name === undefined) return false
  const address = /^\[(.*)\]$/.exec(name)?.[1] ?? name
  return isIP(address) > 0 || name === 'localhost' || name.endsWith('.localhost')
}

/** Of several, Node tells the first, and a proxy before us may have gone by another (RFC 9112, section 3.2). */
export function refuseSeveralHosts(rawHeaders: readonly string[]): Problem | undefined {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host')
  return hosts.length > 1 ? new Problem('bad_request', 'A request must have exactly one Host header.') : undefined
}

/** Undefined for what cannot be a host with a port. */
function nameIn(host: string): string | undefined {
  const match = /^(\[[\da-f:.]+(?:%[\w.%-]+)?\]|[^\s:/?#@[\]\\]+)(?::\d{0,5})?$/i.exec(host)
  return match ? tidy(match[1]!) : undefined
}

/** A name with the dot of the root at its end is the same name. */
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
