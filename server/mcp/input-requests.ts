/** What a client can be asked while it waits for an answer, by its revision and what it declared. */
import { isObject } from './mcp-frames.ts'
import type { McpInputRequest, McpRevision } from './mcp-port.ts'

interface AskedClient {
  revision: McpRevision
  capabilities: Record<string, unknown>
}

/** MCP 2026-07-28, "MissingRequiredClientCapability". */
export const missingCapability = -32_021

/** Whether all of them can be asked: a call that asks for less than it needs would not come to an end. */
export function canBeAsked(requests: Record<string, McpInputRequest>, client: AskedClient): boolean {
  return missingFor(requests, client) === undefined
}

/** The capabilities that the client lacks for them, as it would declare them; undefined where it has all. */
export function missingFor(
  requests: Record<string, McpInputRequest>,
  client: AskedClient,
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

function isAble({ revision, capabilities }: AskedClient, name: string, part: string | undefined): boolean {
  const declared = capabilities[name]
  if (!isObject(declared) || (name === 'elicitation' && revision < '2025-06-18')) return false
  // The one mode that there was had no name: a client that names none means it.
  if (part === 'form') return isObject(declared.form) || !isObject(declared.url)
  return part === undefined || isObject(declared[part])
}
