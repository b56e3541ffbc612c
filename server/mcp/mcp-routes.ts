/** MCP over HTTP: POST, GET and DELETE /mcp (Streamable HTTP); GET /sse and POST /messages (HTTP+SSE of 2024-11-05). */
import { maxMcpBody, mcpPath, messagesPath, ssePath } from '../../contract/mcp.ts'
import type { Operation } from '../platform/guard.ts'
import { handleFetch } from '../platform/http/http-fetch.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import type { McpTransports } from './mcp-service.ts'

/** What is done in them are calls of tools, and each of those has a scope and an effect of its own. */
const operation = (name: string): Operation => ({ name, scope: 'signed_in', effect: 'read', takesAccessTokens: true })

export function mcpRoutes(http: HttpServer, mcp: McpTransports): void {
  handleFetch(http, mcpPath, operation('mcp.exchange'), maxMcpBody, call => mcp.answer(call))
  handleFetch(http, ssePath, operation('mcp.openSse'), maxMcpBody, call => mcp.openSse(call), ['GET'])
  handleFetch(http, messagesPath, operation('mcp.postSse'), maxMcpBody, call => mcp.postSse(call), ['POST'])
}
