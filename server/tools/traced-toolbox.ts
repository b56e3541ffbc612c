/** Traces tool calls as spans, with tool and outcome. Input and output are not recorded. */
import { overridden } from '../platform/tracing/overridden.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import type { Toolbox } from './toolbox.ts'

export function tracedToolbox(toolbox: Toolbox, tracer: Tracer): Toolbox {
  return overridden(toolbox, (name, method) => {
    if (name !== 'call') return undefined
    return (...args) => {
      const [tool, , { caller, requestId }] = args as Parameters<Toolbox['call']>
      const attributes = {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
        'gen_ai.tool.type': 'function',
        'rustymail.principal.id': caller.principal.id,
        'rustymail.request.id': requestId,
      }
      return tracer.trace(`execute_tool ${tool}`, { attributes }, async span => {
        const result = await (method(...args) as ReturnType<Toolbox['call']>)
        span?.set({ 'rustymail.outcome': result.isError ? result.problem.code : 'ok' })
        if (result.isError) span?.end('tool_error')
        return result
      })
    }
  })
}
