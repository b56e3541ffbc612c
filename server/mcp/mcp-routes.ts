/** MCP over HTTP: POST, GET and DELETE /mcp (Streamable HTTP); GET /sse and POST /messages (HTTP+SSE of 2024-11-05). */
import { maxMcpBody, mcpPath, messagesPath, ssePath } from '../../contract/mcp.ts'
import type { Operation } from '../platform/guard.ts'
import { handleFetch } from '../platform/http/http-fetch.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import type { McpTransports } from './mcp-service.ts'

/** The tool calls in them have scopes and effects of their own. */
const common = { scope: 'signed_in', effect: 'read', takesAccessTokens: true } as const
const exchange: Operation = { name: 'mcp.exchange', ...common }
const openSse: Operation = { name: 'mcp.openSse', ...common }
const postSse: Operation = { name: 'mcp.postSse', ...common }

export function mcpRoutes(http: HttpServer, mcp: McpTransports): void {
  handleFetch(http, mcpPath, exchange, maxMcpBody, call => mcp.answer(call))
  handleFetch(http, ssePath, openSse, maxMcpBody, call => mcp.openSse(call), ['GET'])
  handleFetch(http, messagesPath, postSse, maxMcpBody, call => mcp.postSse(call), ['POST'])
}
