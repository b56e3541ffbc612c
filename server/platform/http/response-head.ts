/**
 * Responses of HTTP/1.1 whose head begins with the lines that every one has. They are the same text each time: to set, check and join a
 * dozen headers for each response costs a fifth of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** As Node calls it, once for each head: with the status line, and the headers by name. */
interface HeadWriter {
  _storeHeader(statusLine: string, headers: unknown): void
}

/**
 * Of nearly every answer, with values of this program alone. Node looks at each name and value, whether they may stand in a head, and
 * whether they change what follows: these may, and do not.
 */
const known: Readonly<Record<string, string | true>> = {
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
  ratelimit: true,
  'ratelimit-policy': true,
  'x-request-id': true,
}

type ResponseClass = new (request: IncomingMessage) => ServerResponse & HeadWriter

/** For the option `ServerResponse` of a server. @param headers By names in small letters; a response that has one of its own keeps that. */
export function responseWith(headers: Readonly<Record<string, string>>): typeof ServerResponse {
  const common = linesOf(headers)
  const names = new Set(Object.keys(headers))
  // An `import` of it would read each of its exports, of which WebSocket loads all of Node's fetch: 6 MiB.
  const Base = process.getBuiltinModule('node:http').ServerResponse as unknown as ResponseClass

  class Response extends Base {
    override _storeHeader(statusLine: string, own: Record<string, unknown> | undefined): void {
      let lines = ''
      let others: Record<string, unknown> = {}
      for (const name in own) {
        const value = own[name]
        // Those that were set one by one are lists here, and stay where Node finds them.
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
