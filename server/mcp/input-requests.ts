/** What a client can be asked during a call, by its revision and capabilities. */
import { isObject } from './mcp-frames.ts'
import type { McpInputRequest, McpRevision } from './mcp-port.ts'

interface RequestedClient {
  revision: McpRevision
  capabilities: Record<string, unknown>
}

/** MCP 2026-07-28, "MissingRequiredClientCapability". */
export const missingCapability = -32_021

/** Returns whether the client can answer all of them; a call that lacks one answer could not finish. */
export function acceptsRequest(requests: Record<string, McpInputRequest>, client: RequestedClient): boolean {
  return missingFor(requests, client) === undefined
}

/** Returns the capabilities that the client lacks, in the form of a declaration; undefined if it has all. */
export function missingFor(
  requests: Record<string, McpInputRequest>,
  client: RequestedClient,
): Record<string, unknown> | undefined {
  const missing = Object.values(requests).flatMap(request => {
    const [name, part] = needsOf(request)
    return isAble(client, name, part) ? [] : [[name, part ? { [part]: {} } : {}]]
  })
  return missing.length > 0 ? Object.fromEntries(missing) : undefined
}

function needsOf(request: McpInputRequest): [name: string, part?: string] {
  if (request.method === 'roots/list') return ['roots']
  if (request.method === 'elicitation/create') return ['elicitation', request.params.mode]
  const { tools, toolChoice } = request.params
  return tools === undefined && toolChoice === undefined ? ['sampling'] : ['sampling', 'tools']
}

function isAble({ revision, capabilities }: RequestedClient, name: string, part: string | undefined): boolean {
  const declared = capabilities[name]
  if (!isObject(declared) || (name === 'elicitation' && revision < '2025-06-18')) return false
  // The original mode had no name: a client that names no mode means form.
  if (part === 'form') return isObject(declared.form) || !isObject(declared.url)
  return part === undefined || isObject(declared[part])
}
