/** JSON-RPC frames as they come in, before anything is done with them: what is wrong with them, and what they say of their client. */

import type { Caller } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { TraceCarrier } from '../platform/tracing/span.ts'
import type { ClientResponse } from './client-requests.ts'
import { McpError, type McpPeer, mcpErrors } from './mcp-port.ts'

/** Each answer and notification repeats it. The SDK's clients count, others take a UUID. */
const maxIdLength = 200
/** Messages of one batch, as the SDK has it. */
export const maxBatch = 100
/** Of what a peer calls itself. */
const maxPeerName = 100
/** In the `_meta` of each request since 2026. */
export const clientInfoKey = 'io.modelcontextprotocol/clientInfo'

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isResponse(frame: unknown): frame is ClientResponse & Record<string, unknown> {
  return isObject(frame) && !('method' in frame) && ('result' in frame || 'error' in frame) && isId(frame.id)
}

export function methodOf(frame: unknown): string | undefined {
  return isObject(frame) && typeof frame.method === 'string' ? frame.method : undefined
}

/** What is wrong with the id of a request; undefined for the rest, which may be wrong in other ways. */
export function faultOfId(frame: unknown): string | undefined {
  if (!isObject(frame) || !('id' in frame) || isId(frame.id)) return undefined
  return `The id must be a number or a string of at most ${maxIdLength} characters.`
}

function isId(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= maxIdLength)
}

/** Without an id, which would be repeated. */
export function invalidRequest(words: string) {
  return {
    jsonrpc: '2.0' as const,
    id: null,
    error: { code: mcpErrors.invalidRequest, message: `Invalid Request: ${words}` },
  }
}

export function errorFrame(id: string | number | null, { code, message, data }: McpError) {
  return { jsonrpc: '2.0' as const, id, error: { code, message, ...(data ? { data } : {}) } }
}

/** Bounded, since it is shown and logged. */
export function peerOf(info: unknown): McpPeer | undefined {
  if (!isObject(info) || typeof info.name !== 'string') return undefined
  const { name, version } = info
  return { name: name.slice(0, maxPeerName), version: typeof version === 'string' ? version.slice(0, maxPeerName) : '' }
}

/** Longer than any that there is; and as W3C Trace Context bounds the other. */
const maxTraceparent = 128
const maxTracestate = 512

/** Whether it is a good one is for the tracer to say. */
export function traceIn(meta: unknown): TraceCarrier | undefined {
  if (!isObject(meta) || typeof meta.traceparent !== 'string' || meta.traceparent.length > maxTraceparent)
    return undefined
  const { traceparent, tracestate } = meta
  const isState = typeof tracestate === 'string' && tracestate.length <= maxTracestate
  return { traceparent, ...(isState && { tracestate }) }
}

/** Of a message: since 2026 each has it, before that the first one. */
export function peerIn(frame: unknown): McpPeer | undefined {
  if (!isObject(frame) || !isObject(frame.params)) return undefined
  const { params } = frame
  if (frame.method === 'initialize') return peerOf(params.clientInfo)
  return isObject(params._meta) ? peerOf(params._meta[clientInfoKey]) : undefined
}

/** Problems of the caller are said in words; everything else is ours, and told without detail. */
export function toMcpError(error: unknown): McpError | undefined {
  if (error instanceof McpError) return error
  if (!(error instanceof Problem)) return undefined
  const { status, code, message } = error
  return new McpError(codeOf(status), message, { code })
}

/** JSON-RPC leaves -32000 to -32099 to servers. */
function codeOf(status: number): number {
  if (status === 400 || status === 404 || status === 410) return mcpErrors.invalidParams
  return status === 500 ? mcpErrors.internal : -32_000
}

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
