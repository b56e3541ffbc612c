/** What a request must be before anything else is asked of it: of a version that we speak, to one host, at an address of ASCII and UTF-8. */
import { Problem } from '../problem.ts'
import { refuseSeveralHosts } from './http-host.ts'

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
