/**
 * Validates incoming JSON-RPC frames before they are processed, and reads what they and their headers say about their
 * client and its run.
 */
import { randomBytes } from 'node:crypto'
import { WorkSession } from '../../contract/work-session.ts'
import { TextAnswer } from '../platform/http/answer-text.ts'
import type { FetchAnswer } from '../platform/http/http-fetch.ts'
import type { Caller } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { TraceCarrier } from '../platform/tracing/span.ts'
import type { ClientResponse } from './client-requests.ts'
import { runOf, sessionHeader } from './http-sessions.ts'
import { McpError, type McpPeer, mcpErrors } from './mcp-port.ts'

/** Characters of an id, which every response and notification repeats. The SDK's clients count, others use a UUID. */
const maxIdLength = 200
/** Messages per batch, the same as in the SDK. */
export const maxBatch = 100
/** Characters of a peer's name and version. */
const maxPeerName = 100
/** Key in the `_meta` of each request since 2026. */
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

/**
 * Returns what is wrong with the id of a request; undefined otherwise, although the frame may be invalid in other ways.
 */
export function faultOfId(frame: unknown): string | undefined {
  if (!isObject(frame) || !('id' in frame) || isId(frame.id)) return undefined
  return `The id must be a number or a string of at most ${maxIdLength} characters.`
}

function isId(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= maxIdLength)
}

/** Has no id, since an invalid one would be repeated. */
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

/** Reads a peer's name and version, bounded, since they are shown and logged. */
export function peerOf(info: unknown): McpPeer | undefined {
  if (!isObject(info) || typeof info.name !== 'string') return undefined
  const { name, version } = info
  return { name: name.slice(0, maxPeerName), version: typeof version === 'string' ? version.slice(0, maxPeerName) : '' }
}

/** Characters: more than any traceparent needs, and the bound of W3C Trace Context for tracestate. */
const maxTraceparent = 128
const maxTracestate = 512

/** Reads the trace context; the tracer validates it. */
export function traceIn(meta: unknown): TraceCarrier | undefined {
  if (!isObject(meta) || typeof meta.traceparent !== 'string' || meta.traceparent.length > maxTraceparent)
    return undefined
  const { traceparent, tracestate } = meta
  const isState = typeof tracestate === 'string' && tracestate.length <= maxTracestate
  return { traceparent, ...(isState && { tracestate }) }
}

/** Reads the peer of a message: since 2026 every message names it, before that only the first. */
export function peerIn(frame: unknown): McpPeer | undefined {
  if (!isObject(frame) || !isObject(frame.params)) return undefined
  const { params } = frame
  if (frame.method === 'initialize') return peerOf(params.clientInfo)
  return isObject(params._meta) ? peerOf(params._meta[clientInfoKey]) : undefined
}

/** Translates Problems of the caller; any other error is a bug, to be answered without detail. */
export function toMcpError(error: unknown): McpError | undefined {
  if (error instanceof McpError) return error
  if (!(error instanceof Problem)) return undefined
  const { status, code, message } = error
  return new McpError(codeOf(status), message, { code })
}

/** JSON-RPC reserves -32000 to -32099 for servers. */
function codeOf(status: number): number {
  if (status === 400 || status === 404 || status === 410) return mcpErrors.invalidParams
  return status === 500 ? mcpErrors.internal : -32_000
}

/** What is known of an exchange at its start. Everything except the caller is claimed by the client. */
export interface McpClaims {
  caller: Caller
  /** Also the request id of its tool calls. */
  requestId: string
  kind: 'stream' | 'call'
  transport: 'http' | 'sse' | 'stdio'
  method: string | undefined
  revision: string | undefined
  peer: McpPeer | undefined
}

export interface McpSeen {
  /** Names the run that began with this exchange (`initialize`). */
  named(session: string | undefined): void
  /** Called when the exchange is over, for any reason. */
  closed(): void
}

/** Its methods must not throw. */
export interface McpObserver {
  opened(said: McpClaims): McpSeen
}

const metaKey = '_meta'
const revisionKey = 'io.modelcontextprotocol/protocolVersion'

/**
 * Reads what a request says of itself: since 2026 in every request, before that in the first (`initialize`), with the
 * revision in a header.
 */
export function claimsOf(headers: Headers, body: unknown): Pick<McpClaims, 'method' | 'revision' | 'peer'> {
  const first = Array.isArray(body) ? body[0] : body
  const { method, params } = fieldsOf(first)
  const { clientInfo, protocolVersion, [metaKey]: meta } = fieldsOf(params)
  const { [clientInfoKey]: info = clientInfo, [revisionKey]: revision = protocolVersion } = fieldsOf(meta)
  return {
    method: textOf(method),
    revision: headers.get('mcp-protocol-version') ?? textOf(revision),
    peer: peerOf(info),
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/**
 * Reads the name of the client's run (revisions of 2025, Streamable HTTP, "Session Management"), by which its work is
 * found and undone; `unknown` if it cannot be ours, so that the client must initialize again. No state is kept of it:
 * every well-formed name is accepted, since it is a label within its token, and grants nothing.
 */
export function mcpSessionOf(headers: Headers): { name: string | undefined } | 'unknown' {
  const value = headers.get(sessionHeader)
  if (value === null) return { name: undefined }
  const name = WorkSession.safeParse(runOf(value))
  return name.success ? { name: name.data } : 'unknown'
}

/** Sets the session name, unless the caller chose one by our own header. */
export function callerIn(caller: Caller, name: string | undefined): Caller {
  const { principal } = caller
  if (name === undefined || principal.workSession !== undefined) return caller
  return { ...caller, principal: { ...principal, workSession: name } }
}

/** Returns an unguessable name. @param mark Names the transport. */
export function newSessionName(mark: 'mcp' | 'sse' | 'stdio'): string {
  return `${mark}-${randomBytes(24).toString('base64url')}`
}

/** Adds a session name to a successful answer to `initialize` that has none yet. */
export function withNewSession(answer: FetchAnswer, body: unknown): FetchAnswer {
  const isInitialize = methodOf(body) === 'initialize' && 'id' in fieldsOf(body)
  if (!answer.ok || !isInitialize || answer.headers.has(sessionHeader)) return answer
  const headers = new Headers(answer.headers)
  headers.set(sessionHeader, newSessionName('mcp'))
  const { status } = answer
  return answer instanceof TextAnswer
    ? new TextAnswer(answer.words, { status, headers })
    : new Response(answer.body, { status, headers })
}

/** "The server MAY terminate the session at any time, after which it MUST respond … with HTTP 404." */
export function sessionNotFound(): Response {
  const error = { code: -32_001, message: 'Session not found: initialize again.' }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 })
}
