/** Answers what MCP clients send, one exchange at a time: counts it, shows who it is, and ends it when its principal may no longer. */
import type { ClientRegistry } from '../clients/client-registry.ts'
import type { FetchCall } from '../platform/http/http-fetch.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { Toolbox } from '../tools/toolbox.ts'
import type { Exchange, ExchangeRegistry } from './exchange-registry.ts'
import { resultFormOf } from './result-form.ts'
import { kindOf, refusalOf } from './rpc-message.ts'

export interface McpServiceOptions {
  toolbox: Toolbox
  exchanges: ExchangeRegistry
  clients: Pick<ClientRegistry, 'recognise' | 'openStream'>
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
    const { toolbox, exchanges, clients, version, logger } = this.#options
    const { requestId, body, caller } = call
    const refusal = refusalOf(body)
    if (refusal) return refusal
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
    if (exchange.kind === 'stream') {
      call.beStream()
      const kicked = new Problem('unauthorized', 'An administrator disconnected this client.')
      const stream = clients.openStream(caller, () => exchange.end(kicked))
      call.onClosed(() => stream.closed())
    }
    return sdk.answer(call.request, body)
  }
}
