/** Methods of extensions at `/mcp`, beside the SDK, which knows none of them: one JSON-RPC message a request, answered as JSON or as a stream. */
import type { ClientRegistry } from '../clients/client-registry.ts'
import type { FetchCall } from '../platform/http/http-fetch.ts'
import { toProblem } from '../platform/http/http-problem.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { Exchange, ExchangeRegistry } from './exchange-registry.ts'
import { McpError, type McpExtension, type McpExtensionMethod, mcpErrors } from './mcp-port.ts'
import type { McpService } from './mcp-service.ts'

export interface ExtensionDoorOptions {
  extensions: readonly McpExtension[]
  /** For everything else. */
  mcp: Pick<McpService, 'answer'>
  exchanges: ExchangeRegistry
  clients: Pick<ClientRegistry, 'recognise' | 'openStream'>
  logger: Logger
}

interface Asked {
  id: string | number
  params: Record<string, unknown>
  method: McpExtensionMethod
}

const maxIdLength = 200

export class ExtensionDoor {
  readonly #options: ExtensionDoorOptions

  constructor(options: ExtensionDoorOptions) {
    this.#options = options
  }

  /** @throws Problem when there is no room. */
  async answer(call: FetchCall): Promise<Response> {
    const asked = this.#askedIn(call)
    if (!asked) return this.#declared(call, await this.#options.mcp.answer(call))
    const { exchanges, clients } = this.#options
    const { caller } = call
    const ending = new AbortController()
    const exchange: Exchange = {
      kind: asked.method.isStream ? 'stream' : 'call',
      toolsChanged: () => undefined,
      end: problem => ending.abort(problem),
      cut: () => ending.abort(),
    }
    call.onClosed(exchanges.open(caller.principal, exchange))
    clients.recognise(caller, 'mcp')
    const signal = AbortSignal.any([call.request.signal, ending.signal])
    if (!asked.method.isStream) return Response.json(await this.#run(asked, call, signal, async () => undefined))
    call.beStream()
    const kicked = new Problem('unauthorized', 'An administrator disconnected this client.')
    const stream = clients.openStream(caller, () => exchange.end(kicked))
    call.onClosed(() => stream.closed())
    return this.#stream(asked, call, signal)
  }

  /** The extensions among what the server says that it can. */
  async #declared({ body }: FetchCall, response: Response): Promise<Response> {
    const method = typeof body === 'object' && body !== null && 'method' in body ? body.method : undefined
    if ((method !== 'initialize' && method !== 'server/discover') || !response.ok) return response
    const { extensions } = this.#options
    const named = { extensions: Object.fromEntries(extensions.map(({ name, settings }) => [name, settings])) }
    const declared = Object.assign({}, ...extensions.map(({ capabilities }) => capabilities), named) as object
    // JSON, or an event stream of one message.
    const text = await response.text()
    const added = text.replace('"capabilities":{', `"capabilities":{${JSON.stringify(declared).slice(1, -1)},`)
    return new Response(added, response)
  }

  #askedIn({ request, body }: FetchCall): Asked | undefined {
    if (request.method !== 'POST' || typeof body !== 'object' || body === null || !('method' in body)) return undefined
    const { method: name, id, params } = body as Record<string, unknown>
    const method = this.#options.extensions.map(({ methods }) => methods[String(name)]).find(found => found)
    const isId = typeof id === 'number' || (typeof id === 'string' && id.length <= maxIdLength)
    if (!method || !isId) return undefined
    const isObject = typeof params === 'object' && params !== null && !Array.isArray(params)
    return { id, method, params: isObject ? (params as Record<string, unknown>) : {} }
  }

  /** The message that answers it. */
  async #run(
    { id, params, method }: Asked,
    { caller, requestId, request }: FetchCall,
    signal: AbortSignal,
    notify: (method: string, params: Record<string, unknown>) => Promise<void>,
  ): Promise<Record<string, unknown>> {
    try {
      const result = await method.answer(params, {
        ...{ caller, requestId, signal, id, notify, headers: request.headers },
        ...{ revision: '2026-07-28', peer: undefined, capabilities: {}, progress: () => undefined },
      })
      return { jsonrpc: '2.0', id, result }
    } catch (error) {
      return { jsonrpc: '2.0', id, error: this.#errorOf(error, requestId) }
    }
  }

  #errorOf(error: unknown, requestId: string) {
    if (error instanceof McpError) {
      return { code: error.code, message: error.message, ...(error.data && { data: error.data }) }
    }
    const problem = toProblem(error)
    if (problem) return { code: mcpErrors.internal, message: problem.message, data: { code: problem.code } }
    this.#options.logger.error({ request_id: requestId, err: error }, 'a bug')
    return { code: mcpErrors.internal, message: 'Internal error' }
  }

  #stream(asked: Asked, call: FetchCall, signal: AbortSignal): Response {
    const encoder = new TextEncoder()
    let drained = Promise.withResolvers<void>()
    const body = new ReadableStream<Uint8Array>(
      {
        pull: () => drained.resolve(),
        cancel: () => drained.resolve(),
        start: controller => {
          const send = (message: object) =>
            controller.enqueue(encoder.encode(`event: message\ndata: ${JSON.stringify(message)}\n\n`))
          const notify = async (method: string, params: Record<string, unknown>) => {
            if (call.request.signal.aborted) throw new Error('the client is gone')
            send({ jsonrpc: '2.0', method, params })
            if ((controller.desiredSize ?? 0) > 0) return
            drained = Promise.withResolvers<void>()
            const leave = () => drained.resolve()
            signal.addEventListener('abort', leave, { once: true })
            await drained.promise.finally(() => signal.removeEventListener('abort', leave))
          }
          void this.#run(asked, call, signal, notify)
            .then(message => {
              send(message)
              controller.close()
            })
            // Its client was gone before.
            .catch(() => undefined)
        },
      },
      { highWaterMark: 4 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}
