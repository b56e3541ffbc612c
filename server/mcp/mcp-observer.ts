/** Hears which MCP clients there are: of each exchange who asks, and what its client says of itself. And how to read that in a message over HTTP. */
import type { Caller } from '../platform/principal.ts'
import { peerOf } from './mcp-frames.ts'
import type { McpPeer } from './mcp-port.ts'

/** What is known of an exchange when it begins. All but the caller are words of the client. */
export interface McpSaid {
  caller: Caller
  /** The same that its calls of tools are told with. */
  requestId: string
  kind: 'stream' | 'call'
  transport: 'http' | 'sse' | 'stdio'
  method: string | undefined
  revision: string | undefined
  peer: McpPeer | undefined
}

export interface McpSeen {
  /** The run that began with this exchange (`initialize`) goes by this name from now on. */
  named(session: string | undefined): void
  /** When it is over, whatever ended it. */
  closed(): void
}

/** None of it may throw. */
export interface McpObserver {
  opened(said: McpSaid): McpSeen
}

const metaKey = '_meta'
const infoKey = 'io.modelcontextprotocol/clientInfo'
const revisionKey = 'io.modelcontextprotocol/protocolVersion'

/** Since 2026 each request says it; before, the first alone (`initialize`), and each the revision in a header. */
export function saidOf(headers: Headers, body: unknown): Pick<McpSaid, 'method' | 'revision' | 'peer'> {
  const first = Array.isArray(body) ? body[0] : body
  const { method, params } = fieldsOf(first)
  const { clientInfo, protocolVersion, [metaKey]: meta } = fieldsOf(params)
  const { [infoKey]: info = clientInfo, [revisionKey]: revision = protocolVersion } = fieldsOf(meta)
  return {
    method: textOf(method),
    revision: headers.get('mcp-protocol-version') ?? textOf(revision),
    peer: peerOf(info),
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
