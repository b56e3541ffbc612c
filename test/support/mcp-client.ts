/** A real MCP client over a real socket, of either era of the protocol; closed when the test ends. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import { mcpPath } from '../../contract/mcp.ts'

/** Revision 2026 is stateless; before it a client began with a handshake. */
export type Era = '2026' | '2025'

export const eras: Era[] = ['2026', '2025']

/** @param headers The client's credentials. */
export async function connectMcp(url: string, headers: Record<string, string>, era: Era = '2026'): Promise<Client> {
  const mode = era === '2026' ? ({ pin: '2026-07-28' } as const) : 'legacy'
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
  onTestFinished(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(url + mcpPath), { requestInit: { headers } }))
  return client
}

export interface CallAnswer {
  isError: boolean
  /** The tool's result, or its problem. */
  value: Record<string, unknown>
  /** The whole answer as text. */
  text: string
}

export async function callTool(
  client: Client,
  name: string,
  input: Record<string, unknown> = {},
  options: { signal?: AbortSignal } = {},
): Promise<CallAnswer> {
  const { isError = false, content, structuredContent } = await client.callTool({ name, arguments: input }, options)
  const [block] = content
  const text = block?.type === 'text' ? block.text : ''
  return { isError, text, value: (isError ? JSON.parse(text) : structuredContent) as Record<string, unknown> }
}
