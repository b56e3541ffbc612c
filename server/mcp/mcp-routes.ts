/** POST, GET and DELETE /mcp: MCP over Streamable HTTP. */
import { maxMcpBody, mcpPath } from '../../contract/mcp.ts'
import type { Operation } from '../platform/guard.ts'
import { handleFetch } from '../platform/http/http-fetch.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import type { McpService } from './mcp-service.ts'

/** What is done in it are calls of tools, and each of those has a scope and an effect of its own. */
const exchange: Operation = { name: 'mcp.exchange', scope: 'signed_in', effect: 'read' }

export function mcpRoutes(http: HttpServer, mcp: Pick<McpService, 'answer'>): void {
  handleFetch(http, mcpPath, exchange, maxMcpBody, call => mcp.answer(call))
}
