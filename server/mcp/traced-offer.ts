/**
 * Traces operations of the offer as spans by OpenTelemetry's conventions for MCP (in development). The parent is the
 * trace context in `_meta`, with a link to the transport's span; without it, that span is the parent. Input and output
 * are not recorded.
 */
import { Problem } from '../platform/problem.ts'
import type { Span } from '../platform/tracing/span.ts'
import { errorType, type Tracer } from '../platform/tracing/tracer.ts'
import { type McpCallContext, McpError, type McpExtension, type McpOffer } from './mcp-port.ts'

interface TracedCall {
  method: string
  context: McpCallContext
  /** Name of an existing tool, never text of a caller. */
  tool?: string | undefined
}

/** @param isTool Whether there is a tool of this name. */
export function tracedOffer(offer: McpOffer, tracer: Tracer, isTool: (name: string) => boolean): McpOffer {
  const traced = <T>(
    { method, context, tool }: TracedCall,
    work: (span: Span | undefined) => Promise<T>,
  ): Promise<T> => {
    const { trace: parent, revision, transport, caller, requestId, id } = context
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
        const told: typeof answer = (params, context) => traced({ method, context }, () => answer(params, context))
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
    catalogue: context => offer.catalogue(context),
    call: (name, input, context) => {
      const tool = isTool(name) ? name : undefined
      return traced({ method: 'tools/call', context, tool }, async span => {
        const result = await offer.call(name, input, context)
        if ('isError' in result && result.isError) span?.end('tool_error')
        return result
      })
    },
    readResource: (uri, context) =>
      traced({ method: 'resources/read', context }, () => offer.readResource(uri, context)),
    checkSubscription: (uri, context) =>
      traced({ method: 'resources/subscribe', context }, () => offer.checkSubscription(uri, context)),
    getPrompt: (name, input, context) =>
      traced({ method: 'prompts/get', context }, () => offer.getPrompt(name, input, context)),
    complete: (of, argument, given, context) =>
      traced({ method: 'completion/complete', context }, () => offer.complete(of, argument, given, context)),
  }
}
