/**
 * Parses the head of a plain GET from one chunk of bytes. It accepts only what ordinary clients send, and leaves the
 * rest to Node's parser: it may reject valid input, but must never parse input differently from Node.
 */

export interface RequestHead {
  path: string
  /** Query without the question mark; empty if there is none. */
  search: string
  /** Names in lower case, each once. */
  headers: Readonly<Record<string, string | undefined>>
}

const maxHeadBytes = 8 * 1024
const maxHeaders = 50
/** A request line; HTTP/1.0 is accepted, since some proxies, such as nginx, use it by default. */
const requestLine = /^GET (\/[a-z/]*)(?:\?((?:[A-Za-z0-9_.,=&-]|%2C)*))? HTTP\/1\.[01]$/
/** A header: a token (RFC 9110, section 5.6.2), a colon, and visible ASCII; no folding, no other bytes. */
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e]*)$/
/** Headers about framing or protocol changes, and one that is validated; they are left to Node's parser. */
const unusual = new Set([
  'content-length',
  'expect',
  'http2-settings',
  'proxy-connection',
  'rustymail-session',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Parses a head; undefined unless the chunk is exactly one complete, ordinary head. */
export function parseRequestHead(chunk: Buffer): RequestHead | undefined {
  if (chunk.length > maxHeadBytes) return undefined
  const text = chunk.toString('latin1')
  if (!text.endsWith('\r\n\r\n')) return undefined
  const lines = text.slice(0, -4).split('\r\n', maxHeaders + 2)
  if (lines.length > maxHeaders + 1) return undefined
  const line = requestLine.exec(lines[0]!)
  if (!line) return undefined
  // Without a prototype, so that a header may have any name.
  const headers: Record<string, string | undefined> = Object.create(null)
  for (let index = 1; index < lines.length; index++) {
    const header = headerLine.exec(lines[index]!)
    if (!header) return undefined
    const name = header[1]!.toLowerCase()
    if (unusual.has(name) || headers[name] !== undefined) return undefined
    headers[name] = header[2]!.trim()
  }
  const connection = headers.connection?.toLowerCase() ?? 'keep-alive'
  if (!headers.host || (connection !== 'keep-alive' && connection !== 'close')) return undefined
  return { path: line[1]!, search: line[2] ?? '', headers }
}
