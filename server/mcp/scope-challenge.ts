/**
 * A connected client that asks for what is beyond its scopes (a tool; a resource or a prompt that needs one) is told by HTTP which to ask for (MCP,
 * authorization, step-up), not by a result. Events have an error of their own for it.
 */
import type { Scope } from '../../contract/scope.ts'
import type { FetchCall } from '../platform/http/http-fetch.ts'
import { Problem } from '../platform/problem.ts'
import { isObject } from './mcp-frames.ts'
import type { McpTransports } from './mcp-service.ts'
import { prompts } from './offer-prompts.ts'
import { parseResource, resourceTemplates } from './resource-uri.ts'

/** @param scopeOf Undefined for tools that there are not. */
export function withScopeChallenge(
  service: McpTransports,
  scopeOf: (tool: string) => Scope | 'signed_in' | undefined,
): McpTransports {
  const check = ({ caller: { principal }, body }: FetchCall) => {
    // Others were given their token by a user, and cannot ask for another.
    if (principal.audience === undefined) return
    for (const tool of (Array.isArray(body) ? body : [body]).flatMap(toolsFor)) {
      const scope = scopeOf(tool)
      if (scope === undefined || scope === 'signed_in' || principal.scopes.has(scope)) continue
      throw new Problem('forbidden', `This requires the scope ${scope}.`, { missing_scope: scope })
    }
  }
  return {
    answer: async call => {
      check(call)
      return service.answer(call)
    },
    openSse: call => service.openSse(call),
    postSse: async call => {
      check(call)
      return service.postSse(call)
    },
  }
}

/** What is asked for, as the tools by which it is done. */
function toolsFor(frame: unknown): readonly string[] {
  if (!isObject(frame) || !isObject(frame.params)) return []
  const { name, uri } = frame.params
  switch (frame.method) {
    case 'tools/call':
      return typeof name === 'string' ? [name] : []
    case 'prompts/get':
      return prompts.find(prompt => prompt.name === name)?.needs ?? []
    case 'resources/read':
    case 'resources/subscribe': {
      const kind = typeof uri === 'string' ? parseResource(uri)?.kind : undefined
      return resourceTemplates.flatMap(template => (template.name === kind ? [template.needs] : []))
    }
    default:
      return []
  }
}
