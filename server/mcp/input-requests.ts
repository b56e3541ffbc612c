/** What a client can be asked while it waits for an answer, by its revision and what it declared. */
import { isObject } from './mcp-frames.ts'
import type { McpInputRequest, McpRevision } from './mcp-port.ts'

/** Whether all of them can be asked: a call that asks for less than it needs would not come to an end. */
export function canBeAsked(
  requests: Record<string, McpInputRequest>,
  client: { revision: McpRevision; capabilities: Record<string, unknown> },
): boolean {
  return Object.values(requests).every(request => isAble(request, client))
}

function isAble(
  request: McpInputRequest,
  { revision, capabilities }: { revision: McpRevision; capabilities: Record<string, unknown> },
): boolean {
  if (request.method === 'sampling/createMessage') return isObject(capabilities.sampling)
  if (request.method === 'roots/list') return isObject(capabilities.roots)
  const { elicitation } = capabilities
  if (revision < '2025-06-18' || !isObject(elicitation)) return false
  if (request.params.mode === 'url') return isObject(elicitation.url)
  // Who names no mode means the only one that there was.
  return isObject(elicitation.form) || !isObject(elicitation.url)
}
