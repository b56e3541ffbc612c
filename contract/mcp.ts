/** Paths and bounds of the MCP transports. MCP messages follow their own protocol, so these are not JSON endpoints of the table. */
import { z } from 'zod'

export const mcpPath = '/mcp'

/** Maximum bytes of an MCP message over HTTP. */
export const maxMcpBody = 64 * 1024

/** HTTP+SSE of revision 2024-11-05: the stream of a session, and where its client posts. */
export const ssePath = '/sse'
export const messagesPath = '/messages'
/** Name of the session id in the query of the latter. */
export const sseSessionName = 'sessionId'

export const SseMessageQuery = z.strictObject({
  [sseSessionName]: z
    .string()
    .describe('Session id, as given by the stream')
    .meta({ examples: ['sse-x'] }),
})
