/**
 * Traces operations of the offer as spans by OpenTelemetry's conventions for MCP (in development). The parent is the
 * trace context in `_meta`, with a link to the transport's span; without it, that span is the parent. Input and output
 * are not recorded.
 */
import { Problem } from '../platform/problem.ts'
import type { Span } from '../platform/tracing/span.ts'
import { errorType, type Tracer } from '../platform/tracing/tracer.ts'
import { type McpCallAsking, McpError, type McpExtension, type McpOffer } from './mcp-port.ts'

interface Told {
  method: string
  asking: McpCallAsking
  /** Name of an existing tool, never text of a caller. */
  tool?: string | undefined
}

/** @param isTool Whether there is a tool of this name. */
export function tracedOffer(offer: McpOffer, tracer: Tracer, isTool: (name: string) => boolean): McpOffer {
  const traced = <T>({ method, asking, tool }: Told, work: (span: Span | undefined) => Promise<T>): Promise<T> => {
    const { trace: parent, revision, transport, caller, requestId, id } = asking
    const { active } = tracer
    const attributes = {
      'mcp.method.name': method,
      'mcp.protocol.version': revision,
      'network.transport': transport === 'stdio' ? 'pipe' : 'tcp',
      'jsonrpc.request.id': Number.isSafeInteger(id) ? String(id) : undefined,
      ...(tool !== undefined && { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool }),
      'rustymail.principal.id': caller.principal.id,
      'rustymail.request.id': requestId,
    }
    const place = parent ? { parent, link: active } : { parent: active }
    const name = tool === undefined ? method : `${method} ${tool}`
    return tracer.trace(name, { kind: 'server', ...place, attributes }, async span => {
      try {
        return await work(span)
      } catch (error) {
        if (error instanceof McpError) {
          span?.set({ 'rpc.response.status_code': String(error.code) })
          span?.end(String(error.code))
        } else if (error instanceof Problem) span?.end(errorType(error))
        throw error
      }
    })
  }
  const tracedMethods = ({ methods, ...extension }: McpExtension): McpExtension => ({
    ...extension,
    methods: Object.fromEntries(
      Object.entries(methods).map(([method, { isStream, answer }]) => {
        const told: typeof answer = (params, asking) => traced({ method, asking }, () => answer(params, asking))
        // A stream lasts as long as its client likes.
        return [method, { isStream, answer: isStream ? answer : told }]
      }),
    ),
  })
  return {
    info: offer.info,
    extensions: offer.extensions.map(tracedMethods),
    has: offer.has,
    // Not traced itself; the request that carried it is.
    catalogue: asking => offer.catalogue(asking),
    call: (name, input, asking) => {
      const tool = isTool(name) ? name : undefined
      return traced({ method: 'tools/call', asking, tool }, async span => {
        const result = await offer.call(name, input, asking)
        if ('isError' in result && result.isError) span?.end('tool_error')
        return result
      })
    },
    readResource: (uri, asking) => traced({ method: 'resources/read', asking }, () => offer.readResource(uri, asking)),
    checkSubscription: (uri, asking) =>
      traced({ method: 'resources/subscribe', asking }, () => offer.checkSubscription(uri, asking)),
    getPrompt: (name, input, asking) =>
      traced({ method: 'prompts/get', asking }, () => offer.getPrompt(name, input, asking)),
    complete: (of, argument, given, asking) =>
      traced({ method: 'completion/complete', asking }, () => offer.complete(of, argument, given, asking)),
  }
}
