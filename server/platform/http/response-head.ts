/**
 * Responses of HTTP/1.1 whose head begins with the lines that every one has. They are the same text each time: to set, check and join a
 * dozen headers for each response costs a fifth of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** As Node calls it, once for each head: with the status line, and the headers by name. */
interface HeadWriter {
  _storeHeader(statusLine: string, headers: unknown): void
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
      super._storeHeader(statusLine + (hasOneOf(names, own) ? linesOf(without(headers, own)) : common), own)
    }
  }
  return Response as unknown as typeof ServerResponse
}

export function linesOf(headers: Readonly<Record<string, unknown>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

function hasOneOf(
  names: ReadonlySet<string>,
  own: Record<string, unknown> | undefined,
): own is Record<string, unknown> {
  for (const name in own) if (names.has(name)) return true
  return false
}

function without(headers: Readonly<Record<string, string>>, own: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !(name in own)))
}
