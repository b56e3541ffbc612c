/** Where MCP clients come in (Streamable HTTP). What is said there is the protocol's business, so it is no endpoint of JSON. */
export const mcpPath = '/mcp'

/** Bytes of a message. */
export const maxMcpBody = 64 * 1024
