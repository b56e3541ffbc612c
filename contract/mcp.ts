/** Where MCP clients come in (Streamable HTTP). What is said there is the protocol's business, so it is no endpoint of JSON. */
export const mcpPath = '/mcp'

/** Bytes of a message. */
export const maxMcpBody = 64 * 1024

/** HTTP+SSE of revision 2024-11-05: the stream of a session, and where its client posts. */
export const ssePath = '/sse'
export const messagesPath = '/messages'
/** In the query of the latter. */
export const sseSessionName = 'sessionId'
