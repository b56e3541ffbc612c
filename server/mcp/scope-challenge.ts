/**
 * Challenges connected clients that ask for something beyond their scopes (a tool; a resource, prompt or event that
 * needs one): by HTTP with the missing scope (MCP, authorization, step-up), not by a result.
 */
import { connectionScopes } from '../../contract/mcp-auth.ts'
import type { Scope } from '../../contract/scope.ts'
import type { FetchCall } from '../platform/http/http-fetch.ts'
import { Problem } from '../platform/problem.ts'
import { isObject } from './mcp-frames.ts'
import type { McpExtension } from './mcp-port.ts'
import type { McpTransports } from './mcp-service.ts'
import { prompts } from './offer-prompts.ts'
import { parseResource, resourceTemplates } from './resource-uri.ts'

export interface ChallengeOptions {
  /** Undefined for unknown tools. */
  scopeOf(tool: string): Scope | 'signed_in' | undefined
  extensions: readonly McpExtension[]
}

export function withScopeChallenge(service: McpTransports, { scopeOf, extensions }: ChallengeOptions): McpTransports {
  const scopesFor = (frame: unknown) => [...toolsFor(frame).map(scopeOf), scopeIn(extensions, frame)]
  const check = ({ caller: { principal }, body }: FetchCall) => {
    // Others were given their token by a user, and cannot ask for more.
    if (principal.audience === undefined) return
    for (const scope of (Array.isArray(body) ? body : [body]).flatMap(scopesFor)) {
      // A scope that no client can be granted is not asked for.
      if (scope === undefined || !isGrantable(scope) || principal.scopes.has(scope)) continue
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

const grantable: ReadonlySet<string> = new Set(connectionScopes)

function isGrantable(scope: Scope | 'signed_in'): scope is Scope {
  return grantable.has(scope)
}

/** Returns the scope of an extension's method. */
function scopeIn(extensions: readonly McpExtension[], frame: unknown): Scope | undefined {
  if (!isObject(frame) || typeof frame.method !== 'string' || !isObject(frame.params)) return undefined
  for (const { methods } of extensions) {
    if (Object.hasOwn(methods, frame.method)) return methods[frame.method]?.scopeOf?.(frame.params)
  }
  return undefined
}

/** Returns the tools that the request uses. */
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
