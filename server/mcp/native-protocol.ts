/** What the revisions of MCP call things on the wire, as far as the native adapter speaks them. No logic but their order. */
import type { McpRevision } from './mcp-port.ts'

/** Since this one each request says what it needs; before it a session began with a handshake. */
export const modern = '2026-07-28' satisfies McpRevision
/** The newest first: what a client is offered that asks for one that is not here. */
export const handshakeRevisions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
/** Of a client over HTTP that names none: the header came with the revision after it. */
export const unnamed = '2025-03-26' satisfies McpRevision
/** The only one that had batches. */
export const batched = '2025-03-26' satisfies McpRevision

export const metaKeys = {
  revision: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** What MCP adds to the codes of JSON-RPC; `http` is what implementations use for what the transport refuses. */
export const codes = {
  http: -32_000,
  noSession: -32_001,
  headerMismatch: -32_020,
  unsupportedRevision: -32_022,
} as const

/** Bounds of the adapter; docs/limits.md names them. */
export const bounds = {
  /** Characters of an id, of a progress token, of a method: each is repeated. */
  id: 200,
  /** Characters of what a peer says of itself. */
  peer: 100,
  /** Characters of a name of a tool or prompt, and of a URI. */
  name: 200,
  uri: 2_000,
  /** URIs of a subscription, and of a session. */
  uris: 100,
  /** `subscriptions/listen` of a session. */
  listens: 20,
  /** Requests under way in a session, but for streams. */
  requests: 32,
  /** Requests of stdio that wait for those, and their characters; then nothing more is read. */
  waitingRequests: 1_000,
  waitingRequestsLength: 8 * 1024 * 1024,
  /** Streams of a session; a person has fewer of them. */
  streams: 200,
  /** Characters of a line of stdio. */
  line: 4 * 1024 * 1024,
  /** What waits for a reader: more than this and it is cut. */
  waitingFrames: 1_000,
  waitingLength: 8 * 1024 * 1024,
  /** Of the log of the client that waits; more is dropped. */
  waitingLog: 100,
  /** How often a human is asked in one call, of sessions. */
  rounds: 8,
  /** How long a human has to answer. */
  answerMs: 600_000,
  /** How long what is closed has to end by itself. */
  endingMs: 2_000,
  /** A comment goes to streams that are read, so that nothing between takes them for dead. */
  keepAliveMs: 15_000,
} as const

/** Without the id, which the end of a session of stdio leaves: it has a moment for what is under way. */
export const lastAnswersMs = 1_000
