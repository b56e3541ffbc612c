/**
 * HTTP/1.1 responses whose head begins with constant header lines, serialized once: setting, validating and joining a
 * dozen headers per response takes a fifth of its time.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Node's internal method that writes a head, called once with the status line and the headers by name. */
interface HeadWriter {
  _storeHeader(statusLine: string, headers: unknown): void
}

/**
 * Headers of nearly every answer, whose values only come from this program. Node validates each header and checks for
 * effects on framing, which is unnecessary for these.
 */
const known: Readonly<Record<string, string | true>> = {
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
  ratelimit: true,
  'ratelimit-policy': true,
  'x-request-id': true,
}

type ResponseClass = new (request: IncomingMessage) => ServerResponse & HeadWriter

/**
 * Returns a class for a server's `ServerResponse` option.
 * @param headers By lower-case names; a response's own headers take precedence.
 */
export function responseWith(headers: Readonly<Record<string, string>>): typeof ServerResponse {
  const common = linesOf(headers)
  const names = new Set(Object.keys(headers))
  // An `import` would evaluate all exports, of which WebSocket loads Node's fetch: 6 MiB.
  const Base = process.getBuiltinModule('node:http').ServerResponse as unknown as ResponseClass

  class Response extends Base {
    override _storeHeader(statusLine: string, own: Record<string, unknown> | undefined): void {
      let lines = ''
      let others: Record<string, unknown> = {}
      for (const name in own) {
        const value = own[name]
        // Headers set individually are arrays here, and are left to Node.
        if (typeof value === 'string' && isKnown(name, value)) lines += `${name}: ${value}\r\n`
        else others[name] = value
      }
      if (lines === '' && own) others = own
      const first = hasOneOf(names, others) ? linesOf(without(headers, others)) : common
      super._storeHeader(statusLine + first + lines, own && others)
    }
  }
  return Response as unknown as typeof ServerResponse
}

export function linesOf(headers: Readonly<Record<string, unknown>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

function isKnown(name: string, value: string): boolean {
  const wanted = known[name]
  return wanted === true || wanted === value
}

function hasOneOf(names: ReadonlySet<string>, own: Record<string, unknown>): boolean {
  for (const name in own) if (names.has(name)) return true
  return false
}

function without(headers: Readonly<Record<string, string>>, own: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !(name in own)))
}
