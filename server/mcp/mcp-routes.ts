/** MCP over HTTP: POST, GET and DELETE /mcp (Streamable HTTP); GET /sse and POST /messages (HTTP+SSE of 2024-11-05). */

import { maxMcpBody, mcpPath, messagesPath, SseMessageQuery, ssePath } from '../../contract/mcp.ts'
import { connectionScopes } from '../../contract/mcp-auth.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Operation } from '../platform/guard.ts'
import { type FetchCall, handleFetch } from '../platform/http/http-fetch.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import type { BodyFault } from '../platform/http/json-fault.ts'
import { Problem } from '../platform/problem.ts'
import { isObject } from './mcp-frames.ts'
import { type McpExtension, mcpErrors } from './mcp-port.ts'
import type { McpService } from './mcp-service.ts'
import { errorText } from './native-frames.ts'
import { prompts } from './offer-prompts.ts'
import { parseResource, resourceTemplates } from './resource-uri.ts'

/** The tool calls in them have scopes and effects of their own. */
const common = { scope: 'signed_in', effect: 'read', takesAccessTokens: true } as const
const exchange: Operation = { name: 'mcp.exchange', ...common }
const openSse: Operation = { name: 'mcp.openSse', ...common }
const postToSse: Operation = { name: 'mcp.postSse', ...common }

interface ChallengeOptions {
  /** Undefined for unknown tools. */
  scopeOf(tool: string): Scope | 'signed_in' | undefined
  extensions: readonly McpExtension[]
}

export function mcpRoutes(
  http: HttpServer,
  mcp: Pick<McpService, 'answer' | 'openSse' | 'postSse'>,
  options: ChallengeOptions,
): void {
  const answer = async (call: FetchCall) => {
    checkScopes(call, options)
    return mcp.answer(call)
  }
  const postSse = async (call: FetchCall) => {
    checkScopes(call, options)
    return mcp.postSse(call)
  }
  handleFetch(http, mcpPath, exchange, maxMcpBody, answer, { faultText })
  handleFetch(http, ssePath, openSse, maxMcpBody, call => mcp.openSse(call), { methods: ['GET'] })
  const posting = { methods: ['POST'], query: SseMessageQuery, faultText } as const
  handleFetch(http, messagesPath, postToSse, maxMcpBody, postSse, posting)
}

/** Answers a body that cannot be read by an error of JSON-RPC; its id is unknown (JSON-RPC 2.0, section 5). */
function faultText({ isJson, message }: BodyFault): string {
  const [code, words] = isJson ? [mcpErrors.invalidRequest, 'Invalid Request'] : [mcpErrors.parse, 'Parse error']
  return errorText(null, { code, message: `${words}: ${message}` })
}

/**
 * Challenges connected clients that ask for something beyond their scopes (a tool; a resource, prompt or event that
 * needs one): by HTTP with the missing scope (MCP, authorization, step-up), not by a result. @throws Problem
 */
function checkScopes({ caller: { principal }, body }: FetchCall, { scopeOf, extensions }: ChallengeOptions): void {
  // Others were given their token by a user, and cannot ask for more.
  if (principal.audience === undefined) return
  const scopesFor = (frame: unknown) => [...toolsFor(frame).map(scopeOf), scopeIn(extensions, frame)]
  for (const scope of (Array.isArray(body) ? body : [body]).flatMap(scopesFor)) {
    // A scope that no client can be granted is not asked for.
    if (scope === undefined || !isGrantable(scope) || principal.scopes.has(scope)) continue
    throw new Problem('forbidden', `This requires the scope ${scope}.`, { missing_scope: scope })
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
