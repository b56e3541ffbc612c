/** Answers what MCP clients send, one exchange at a time: counts it, shows who it is, and ends it when its principal may no longer. */
import type { ClientRegistry } from '../clients/client-registry.ts'
import type { FetchCall } from '../platform/http/http-fetch.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { Toolbox } from '../tools/toolbox.ts'
import type { Exchange, ExchangeKind, ExchangeRegistry } from './exchange-registry.ts'
import { type McpObserver, saidOf } from './mcp-observer.ts'
import { callerIn, mcpSessionOf, sessionNotFound, withNewSession } from './mcp-session.ts'
import { resultFormOf } from './result-form.ts'

export interface McpServiceOptions {
  toolbox: Toolbox
  exchanges: ExchangeRegistry
  clients: Pick<ClientRegistry, 'recognise' | 'openStream'>
  observer: McpObserver
  version: string
  logger: Logger
}

export class McpService {
  readonly #options: McpServiceOptions

  constructor(options: McpServiceOptions) {
    this.#options = options
  }

  /** @throws Problem when there is no room. */
  async answer(call: FetchCall): Promise<Response> {
    const { toolbox, exchanges, clients, observer, version, logger } = this.#options
    const { requestId, body } = call
    const refusal = refusalOf(body)
    if (refusal) return refusal
    const session = mcpSessionOf(call.request.headers)
    if (session === 'unknown') return sessionNotFound()
    const caller = callerIn(call.caller, session.name)
    const form = resultFormOf(call.request.headers)
    // Loaded with the first call: a server whose agents do not come does without its 5 MiB.
    const { SdkExchange } = await import('./sdk-server.ts')
    const failed = (err: unknown) => logger.warn({ err, request_id: requestId }, 'an MCP stream did not end well')
    const ending = new AbortController()
    const exchange: Exchange = {
      kind: kindOf(body),
      toolsChanged: () => sdk.toolsChanged(),
      end: problem => {
        // What runs answers the problem, what listens is told that this was all; the connection ends with either.
        ending.abort(problem)
        if (exchange.kind === 'stream') sdk.close().catch(failed)
      },
      cut: () => sdk.cut(),
    }
    call.onClosed(exchanges.open(caller.principal, exchange))
    const onFault = (error: Error) => logger.debug({ err: error, request_id: requestId }, 'an MCP exchange was refused')
    const sdk = new SdkExchange({
      toolbox,
      asking: { caller, requestId, signal: ending.signal },
      version,
      form,
      onFault,
    })
    clients.recognise(caller, 'mcp')
    const said = saidOf(call.request.headers, body)
    const seen = observer.opened({ caller, requestId, kind: exchange.kind, transport: 'http', ...said })
    call.onClosed(() => seen.closed())
    if (exchange.kind === 'stream') {
      call.beStream()
      const kicked = new Problem('unauthorized', 'An administrator disconnected this client.')
      const stream = clients.openStream(caller, () => exchange.end(kicked))
      call.onClosed(() => stream.closed())
    }
    const answer = withNewSession(await sdk.answer(call.request, body), body)
    seen.named(answer.headers.get('mcp-session-id') ?? undefined)
    return answer
  }
}

/** Each answer and notification repeats it. The SDK's clients count, others take a UUID. */
const maxIdLength = 200
/** JSON-RPC 2.0, section 5.1: Invalid Request. */
const invalidRequest = -32_600

function kindOf(body: unknown): ExchangeKind {
  return isObject(body) && 'method' in body && body.method === 'subscriptions/listen' ? 'stream' : 'call'
}

/** The answer to what is refused, whatever else is in it; undefined for the rest, which may be wrong in other ways. */
function refusalOf(body: unknown): Response | undefined {
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
