/**
 * Names and bounds of the MCP revisions on the wire, as far as the native adapter supports them. No logic but their
 * order.
 */
import type { McpRevision } from './mcp-port.ts'

/** From this revision on each request is self-contained; before it a session began with a handshake. */
export const modern = '2026-07-28' satisfies McpRevision
/** Newest first; the first is offered to a client that asks for an unknown one. */
export const handshakeRevisions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
/** The revision of an HTTP client that names none: the header came with the next revision. */
export const unnamed = '2025-03-26' satisfies McpRevision
/** The only revision with batches. */
export const batched = '2025-03-26' satisfies McpRevision

export const metaKeys = {
  revision: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** Codes that MCP adds to JSON-RPC; `http` is the usual code for refusals by the transport. */
export const codes = {
  http: -32_000,
  noSession: -32_001,
  headerMismatch: -32_020,
  unsupportedRevision: -32_022,
} as const

/** Bounds of the adapter; docs/limits.md names them. */
export const bounds = {
  /** Characters of an id, a progress token or a method: each is repeated. */
  id: 200,
  /** Characters of a peer's name and version. */
  peer: 100,
  /** Characters of a tool or prompt name, and of a URI. */
  name: 200,
  uri: 2_000,
  /** URIs per subscription, and per session. */
  uris: 100,
  /** `subscriptions/listen` per session. */
  listens: 20,
  /** Requests in flight per session, without streams. */
  requests: 32,
  /** Queued stdio requests, and their characters; past it nothing more is read. */
  waitingRequests: 1_000,
  waitingRequestsLength: 8 * 1024 * 1024,
  /** Streams per session; a person may open fewer. */
  streams: 200,
  /** Characters of a line of stdio. */
  line: 4 * 1024 * 1024,
  /** Frames, and characters, waiting for a reader; past it the connection is cut. */
  waitingFrames: 1_000,
  waitingLength: 8 * 1024 * 1024,
  /** Waiting entries of the client's log; further ones are dropped. */
  waitingLog: 100,
  /** Rounds of asking a human in one call, in sessions. */
  rounds: 8,
  /** How long a human has to answer. */
  answerMs: 600_000,
  /** Grace period of closing before the connection is cut. */
  endingMs: 2_000,
  /** Interval of comments on streams, so that no proxy takes them for dead. */
  keepAliveMs: 15_000,
} as const

/** Grace period for requests in flight after the input of a stdio session has ended. */
export const lastAnswersMs = 1_000
