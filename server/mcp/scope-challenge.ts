/** A connected client that calls a tool beyond its scopes is told by HTTP which to ask for (MCP, authorization, step-up), not by a result. */
import type { Scope } from '../../contract/scope.ts'
import type { FetchCall } from '../platform/http/http-fetch.ts'
import { Problem } from '../platform/problem.ts'
import type { McpTransports } from './mcp-service.ts'

/** @param scopeOf Undefined for tools that there are not. */
export function withScopeChallenge(
  service: McpTransports,
  scopeOf: (tool: string) => Scope | 'signed_in' | undefined,
): McpTransports {
  const check = ({ caller: { principal }, body }: FetchCall) => {
    // Others were given their token by a user, and cannot ask for another.
    if (principal.audience === undefined) return
    const scope = scopeOf(toolIn(body) ?? '')
    if (scope !== undefined && scope !== 'signed_in' && !principal.scopes.has(scope)) {
      throw new Problem('forbidden', `This tool requires the scope ${scope}.`, { missing_scope: scope })
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

function toolIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('method' in body) || body.method !== 'tools/call') return undefined
  const { params } = body as { params?: unknown }
  if (typeof params !== 'object' || params === null || !('name' in params)) return undefined
  return typeof params.name === 'string' ? params.name : undefined
}
