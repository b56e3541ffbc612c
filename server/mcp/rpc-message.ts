/** What is to be known of a JSON-RPC message before the SDK reads it: whether it stays open, and what is refused at once. */
import type { ExchangeKind } from './exchange-registry.ts'

/** Each answer and notification repeats it. The SDK's clients count, others take a UUID. */
const maxIdLength = 200
/** JSON-RPC 2.0, section 5.1: Invalid Request. */
const invalidRequest = -32_600

export function kindOf(body: unknown): ExchangeKind {
  return isObject(body) && 'method' in body && body.method === 'subscriptions/listen' ? 'stream' : 'call'
}

/** The answer to what is refused, whatever else is in it; undefined for the rest, which may be wrong in other ways. */
export function refusalOf(body: unknown): Response | undefined {
  if (Array.isArray(body))
    return refusal('Batches were removed from the protocol in 2025; send each message in a separate request.')
  if (!isObject(body) || !('id' in body)) return undefined
  const { id } = body
  if (typeof id === 'number' || (typeof id === 'string' && id.length <= maxIdLength)) return undefined
  return refusal(`The id must be a number or a string of at most ${maxIdLength} characters.`)
}

/** Without an id: it would be repeated. */
function refusal(words: string): Response {
  const error = { code: invalidRequest, message: `Invalid Request: ${words}` }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 400 })
}

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null
}
