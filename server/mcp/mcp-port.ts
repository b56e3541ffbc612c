/** MCP in the terms of revision 2026-07-28, as plain data: the offer (`McpOffer`) and its carrier (`McpPort`). */
import type { Scope } from '../../contract/scope.ts'
import type { FetchAnswer, FetchRequest } from '../platform/http/http-fetch.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import type { TraceCarrier } from '../platform/tracing/span.ts'
import type { ObjectSchema, ToolAnnotations } from '../tools/tool.ts'

/** Revisions are dates, so they compare as text. */
export type McpRevision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/** The name and version that a peer claims: untrusted, bounded by the adapter. */
export interface McpPeer {
  name: string
  version: string
}

export type McpTransport = 'http' | 'sse' | 'stdio'

/** One caller with one request. */
export interface McpContext {
  caller: Caller
  requestId: string
  /** If it aborts with a Problem, that is the answer; otherwise the client is gone. */
  signal: AbortSignal
  /** What the transport knows before the message is read; the adapter adds the rest. */
  headers?: Headers | undefined
  /** The transport of the message; the adapter passes it on unchanged. */
  transport?: McpTransport | undefined
  /**
   * Returns the current caller of a session whose messages carry no credentials. Called for each call of the offer;
   * passed on by the adapter. @throws Problem when the credentials are no longer valid.
   */
  principalNow?: (() => Principal | Promise<Principal>) | undefined
}

/** In order of severity. */
export const mcpLogLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

export interface McpLogEntry {
  level: (typeof mcpLogLevels)[number]
  logger?: string
  data: unknown
}

/** The same, once the message has been read. */
export interface McpCallContext extends McpContext {
  revision: McpRevision
  peer: McpPeer | undefined
  /** JSON-RPC id of the request. */
  id?: string | number | undefined
  /** The client's trace context from `_meta` (SEP-414): untrusted, bounded. */
  trace?: TraceCarrier | undefined
  /** The client's declared capabilities: of this request since 2026, of its session before. */
  capabilities: Record<string, unknown>
  /** Reports progress; a no-op if the client gave no progress token. */
  progress(now: { progress: number; total?: number; message?: string }): void
  /** Writes to the client's log; a no-op below its level. Only if the offer `has.logging`. */
  log?: ((entry: McpLogEntry) => void) | undefined
  /** Answers of a human to the `inputRequests` of the previous round, by key. */
  inputResponses?: Record<string, unknown> | undefined
  /** State of the previous round, signed by the adapter for this caller, method and name, until it expires. */
  state?: unknown
}

export interface McpTool {
  name: string
  title?: string | undefined
  description?: string | undefined
  inputSchema: ObjectSchema
  outputSchema?: ObjectSchema | undefined
  annotations?: ToolAnnotations | undefined
}

export interface McpResource {
  uri: string
  name: string
  title?: string | undefined
  description?: string | undefined
  mimeType?: string | undefined
  size?: number | undefined
}

export interface McpResourceTemplate {
  /** RFC 6570, level 1. */
  uriTemplate: string
  name: string
  title?: string | undefined
  description?: string | undefined
  mimeType?: string | undefined
}

export interface McpPrompt {
  name: string
  title?: string | undefined
  description?: string | undefined
  arguments?: { name: string; description?: string | undefined; required?: boolean | undefined }[] | undefined
}

/** What a caller may use; the order of each list is stable. */
export interface McpCatalogue {
  tools: McpTool[]
  resources: McpResource[]
  resourceTemplates: McpResourceTemplate[]
  prompts: McpPrompt[]
}

export type McpContent =
  | { type: 'text'; text: string }
  | { type: 'image' | 'audio'; data: string; mimeType: string }
  | { type: 'resource_link'; uri: string; name: string; mimeType?: string; description?: string }
  | { type: 'resource'; resource: McpResourceContents }

export type McpResourceContents = { uri: string; mimeType?: string } & ({ text: string } | { blob: string })

export interface McpResult {
  content: McpContent[]
  structuredContent?: Record<string, unknown>
  isError?: boolean
}

/** A human must answer before the call continues. Clients that cannot ask get `otherwise`, or an error without it. */
export interface McpInputRequired<Result = McpResult> {
  inputRequests: Record<string, McpInputRequest>
  /** JSON that returns as `McpCallContext.state`; undefined for none. */
  state: unknown
  otherwise: Result | undefined
}

export type McpInputRequest =
  | { method: 'elicitation/create'; params: { mode: 'url'; message: string; url: string; elicitationId: string } }
  | { method: 'elicitation/create'; params: { mode: 'form'; message: string; requestedSchema: ObjectSchema } }
  | { method: 'sampling/createMessage'; params: Record<string, unknown> }
  | { method: 'roots/list'; params?: Record<string, unknown> }

export interface McpPromptResult {
  description?: string | undefined
  messages: { role: 'user' | 'assistant'; content: McpContent }[]
}

export interface McpCompletion {
  /** At most 100. */
  values: string[]
  total?: number | undefined
  hasMore?: boolean | undefined
}

export type McpReference = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string }

/** A JSON-RPC error. A `Problem` of an offer becomes one too; for tools, the offer makes it a result with `isError`. */
export class McpError extends Error {
  readonly code: number
  readonly data: Record<string, unknown> | undefined

  constructor(code: number, message: string, data?: Record<string, unknown>) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** JSON-RPC 2.0, section 5.1, and what MCP adds. */
export const mcpErrors = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
} as const

/** Methods beyond the core protocol, under the name of their extension. */
export interface McpExtension {
  /** The key in `capabilities.extensions`. */
  name: string
  settings: Record<string, unknown>
  /** Also declared as capabilities themselves, for clients from before it was an extension. */
  capabilities?: Record<string, Record<string, unknown>>
  methods: Record<string, McpExtensionMethod>
}

export interface McpExtensionMethod {
  /** Whether it notifies until its signal aborts; counted as a stream of extensions. */
  isStream: boolean
  /** Returns the scope that a call with these parameters requires; undefined if none or unknown. */
  scopeOf?(params: Record<string, unknown>): Scope | undefined
  /** @throws McpError, Problem */
  answer(params: Record<string, unknown>, context: McpExtensionContext): Promise<Record<string, unknown>>
}

export interface McpExtensionContext extends McpCallContext {
  /** JSON-RPC id of the request. */
  id: string | number
  /** Resolves once the transport has accepted it (back-pressure). Rejects when the client is gone. */
  notify(method: string, params: Record<string, unknown>): Promise<void>
}

/** What RustyMail offers over MCP, for all adapters and transports. Every method asks the gate. */
export interface McpOffer {
  readonly info: { name: string; title: string; version: string; instructions: string }
  readonly extensions: readonly McpExtension[]
  /** Which features any caller may have; declared as capabilities. */
  readonly has: { resources: boolean; prompts: boolean; completions: boolean; logging?: boolean }
  catalogue(context: McpCallContext): McpCatalogue | Promise<McpCatalogue>
  /** @throws McpError for an unknown tool (`invalidParams`). Other failures are results with `isError`. */
  call(name: string, input: unknown, context: McpCallContext): Promise<McpResult | McpInputRequired>
  /** @throws McpError, Problem */
  readResource(uri: string, context: McpCallContext): Promise<McpResourceContents[]>
  /** Throws McpError or Problem if the caller may not subscribe to it. */
  checkSubscription(uri: string, context: McpCallContext): Promise<void>
  /** @throws McpError, Problem */
  getPrompt(
    name: string,
    input: Record<string, string>,
    context: McpCallContext,
  ): Promise<McpPromptResult | McpInputRequired<McpPromptResult>>
  complete(
    of: McpReference,
    argument: { name: string; value: string },
    given: Record<string, string>,
    context: McpCallContext,
  ): Promise<McpCompletion>
}

/** A change for listening clients. Unread changes of one kind are merged. */
export type McpChange = { of: 'tools' | 'prompts' | 'resources' } | { of: 'resource'; uri: string }

/** Something open between a client and an adapter. */
export interface McpOpen {
  /** Notifies the client if it listens for that kind. Never throws, never grows without bound. */
  publish(change: McpChange): void
  /** Ends it gracefully: a listening client is notified. */
  close(): Promise<void>
  /** Ends it immediately, without any further answer. */
  cut(): void
}

export interface McpHttpExchange extends McpOpen {
  readonly response: Promise<FetchAnswer>
}

export interface McpSession extends McpOpen {
  /** Resolves when the client is gone or the session was closed. */
  readonly ended: Promise<void>
  /** The client's name and version, known from its first message on. */
  readonly peer: McpPeer | undefined
  readonly revision: McpRevision | undefined
  /** Sends a notification of an experimental capability. */
  notify(method: string, params: Record<string, unknown>): Promise<void>
}

export interface McpSessionOptions {
  context: McpContext
  /** Declared in addition to the capabilities of the offer. */
  experimental?: Record<string, object> | undefined
  /** Called with notifications of the client that the protocol does not define. */
  onNotification?(method: string, params: Record<string, unknown>): void
}

/** Carries an offer. Adapters: `sdk` (the official library) and `native` (ours); one suite for both. */
export interface McpPort {
  readonly name: 'sdk' | 'native'
  /** Whether a request opens a stream (or one of an extension) or is a call. Bad input: `call`. */
  kindOf(request: FetchRequest, body: unknown): 'stream' | 'events' | 'call'
  /**
   * Handles one request of Streamable HTTP, in any revision. @param body Parsed JSON; undefined for GET and DELETE.
   * Credentials, Origin, Host and size were checked before.
   */
  handleHttp(request: FetchRequest, body: unknown, context: McpContext): McpHttpExchange
  /** Opens HTTP+SSE of 2024-11-05. @param endpoint Where the client posts. */
  openSse(endpoint: string, options: McpSessionOptions): McpSession & { readonly body: ReadableStream<Uint8Array> }
  /** Takes a message posted to a session. @returns The status: 202, or 400 for an invalid message. */
  postSse(session: McpSession, body: unknown, context: McpContext): Promise<number>
  /** Serves newline-delimited JSON on both streams. Ends when `input` ends. */
  serveStdio(
    streams: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream },
    options: McpSessionOptions,
  ): McpSession
  /** Ends everything that is open. */
  close(): Promise<void>
}

export interface McpAdapterOptions {
  offer: McpOffer
  /** Key that signs `state`, the same in all processes of one installation. */
  stateKey: Uint8Array
  /** Called with a bug of ours, to log it: the caller gets no detail. */
  onFault(error: Error): void
  /** Called with faults of a peer, as far as the library reports them; for logging only. */
  onPeerFault(error: Error): void
}
